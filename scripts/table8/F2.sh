#!/usr/bin/env bash
# Table 8, F2: F1 with selective kernels. Paper: top-1 89.77 %, mCE 57.2. F2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F2 "$@"
