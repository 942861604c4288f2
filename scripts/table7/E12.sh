#!/usr/bin/env bash
# Table 7, E12: E11 with 152 layers and wider, deeper little branches: Assemble-ResNet-152. Paper:
#   top-1 84.19 %, mCE 43.27, 143 images/s. E12.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E12.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E12 "$@"
