#!/usr/bin/env bash
# Table 7, E2: E1 with label smoothing. Paper: top-1 78.35 %, mCE 74.27, 493 images/s. E2.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E2 "$@"
