#!/usr/bin/env bash
# Table 3, A4: A3 without the blurred max-pool. Paper: top-1 76.67 %, 519 images/s. A4.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table3/A4.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table3/A4 "$@"
