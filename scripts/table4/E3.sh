#!/usr/bin/env bash
# Table 4, E3: mixup of type 1, the training of table 7's E3. Paper: top-1 79.1 %. E3.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table4/E3.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table4/E3 "$@"
