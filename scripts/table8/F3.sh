#!/usr/bin/env bash
# Table 8, F3: F2 with BigLittle. Paper: top-1 90.15 %, mCE 57.16. F3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F3.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F3 "$@"
