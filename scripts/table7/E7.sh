#!/usr/bin/env bash
# Table 7, E7: E6 with distillation at temperature 1. Paper: top-1 81.69 %, mCE 57.08, 359 images/s.
#   E7.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E7.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E7 "$@"
