#!/usr/bin/env bash
# Table 5, E6: no distillation, the training of table 7's E6. Paper: top-1 81.4 %. E6.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table5/E6.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table5/E6 "$@"
