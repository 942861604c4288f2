#!/usr/bin/env bash
# Table 8, F10: F9 with DropBlock. Paper: top-1 91.62 %, mCE 51.01. F10.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F10.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F10 "$@"
