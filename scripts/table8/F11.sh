#!/usr/bin/env bash
# Table 8, F11: F10 with mixup. Paper: top-1 92.11 %, mCE 45.73. F11.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F11.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F11 "$@"
