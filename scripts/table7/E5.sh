#!/usr/bin/env bash
# Table 7, E5: E4 with DropBlock, 270 epochs. Paper: top-1 80.4 %, mCE 62.64, 420 images/s. E5.flags
#   says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E5.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E5 "$@"
