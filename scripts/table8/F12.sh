#!/usr/bin/env bash
# Table 8, F12: F11 with AutoAugment. Paper: top-1 92.21 %, mCE 41.69. F12.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F12.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F12 "$@"
