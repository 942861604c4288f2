#!/usr/bin/env bash
# Table 2, C0: ResNet-50. Paper: top-1 76.3 %, 536 images/s. C0.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table2/C0.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table2/C0 "$@"
