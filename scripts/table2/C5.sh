#!/usr/bin/env bash
# Table 2, C5: C3 with squeeze-and-excitation. Paper: top-1 77.5 %, 345 images/s. C5.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table2/C5.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table2/C5 "$@"
