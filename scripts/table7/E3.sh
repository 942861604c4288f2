#!/usr/bin/env bash
# Table 7, E3: E2 with mixup of two batches, 200 epochs. Paper: top-1 79.1 %, mCE 68.19, 493
#   images/s. E3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E3.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E3 "$@"
