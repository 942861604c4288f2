#!/usr/bin/env bash
# Table 8, F8: F7 with label smoothing. Paper: top-1 91.76 %, mCE 41.4. F8.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F8.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F8 "$@"
