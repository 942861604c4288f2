#!/usr/bin/env bash
# Table 6, M0: ResNet-50, the training of table 7's E0. Paper: top-1 76.87 %, 536 images/s. M0.flags
#   says more.
# DATA_DIR=... MODEL_DIR=... scripts/table6/M0.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table6/M0 "$@"
