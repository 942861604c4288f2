#!/usr/bin/env bash
# Table 6, M4: M3 with anti-aliased strided convolutions. Paper: top-1 79.39 %, 312 images/s.
#   M4.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table6/M4.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table6/M4 "$@"
