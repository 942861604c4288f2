#!/usr/bin/env bash
# Table 3, A3: A2 without the blurred projections. Paper: top-1 76.84 %, 483 images/s. A3.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table3/A3.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table3/A3 "$@"
