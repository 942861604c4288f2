#!/usr/bin/env bash
# Table 5, E7: temperature 1, the training of table 7's E7. Paper: top-1 81.69 %. E7.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table5/E7.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table5/E7 "$@"
