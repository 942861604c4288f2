#!/usr/bin/env bash
# Table 2, C2: C0 with selective kernels of 3x3 and 5x5 branches, r = 2. Paper: top-1 78.0 %, 326
#   images/s. C2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table2/C2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table2/C2 "$@"
