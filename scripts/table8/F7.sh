#!/usr/bin/env bash
# Table 8, F7: F6 with AutoAugment. Paper: top-1 91.85 %, mCE 41.73. F7.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F7.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F7 "$@"
