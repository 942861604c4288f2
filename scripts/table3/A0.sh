#!/usr/bin/env bash
# Table 3, A0: ResNet-50, the training of table 2's C0. Paper: top-1 76.3 %, 536 images/s. A0.flags
#   says more.
# DATA_DIR=... MODEL_DIR=... scripts/table3/A0.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table3/A0 "$@"
