#!/usr/bin/env bash
# Table 6, M3: M2 with BigLittle, evaluated at 256 pixels. Paper: top-1 79.27 %, 359 images/s.
#   M3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table6/M3.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table6/M3 "$@"
