#!/usr/bin/env bash
# Table 7, E9: E8 with BigLittle, evaluated at 256 pixels. Paper: top-1 82.44 %, mCE 55.2, 359
#   images/s. E9.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E9.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E9 "$@"
