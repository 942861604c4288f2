#!/usr/bin/env bash
# Table 8, F6: F5 with mixup. Paper: top-1 91.64 %, mCE 48.53. F6.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F6.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F6 "$@"
