#!/usr/bin/env bash
# Table 4, E2: ResNet-50-D with label smoothing, the training of table 7's E2. Paper: top-1 77.37 %
#   (table 7 prints 78.35 for the same row). E2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table4/E2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table4/E2 "$@"
