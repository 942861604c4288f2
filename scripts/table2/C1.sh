#!/usr/bin/env bash
# Table 2, C1: C0 with squeeze-and-excitation. Paper: top-1 77.4 %, 466 images/s. C1.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table2/C1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table2/C1 "$@"
