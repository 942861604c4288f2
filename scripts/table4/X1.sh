#!/usr/bin/env bash
# Table 4, X1: E3 with mixup of type 2, one batch with its own halves. Paper: top-1 78.85 %.
#   X1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table4/X1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table4/X1 "$@"
