#!/usr/bin/env bash
# Table 8, F5: F4 with DropBlock. Paper: top-1 91.25 %, mCE 53.13. F5.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F5.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F5 "$@"
