#!/usr/bin/env bash
# Table 7, E10: E9 with anti-aliased strided convolutions. Paper: top-1 82.69 %, mCE 54.12, 312
#   images/s. E10.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E10.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E10 "$@"
