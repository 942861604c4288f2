#!/usr/bin/env bash
# Table 7, E8: E7 for 600 epochs. Paper: top-1 82.1 %, mCE 56.48, 359 images/s. E8.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E8.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E8 "$@"
