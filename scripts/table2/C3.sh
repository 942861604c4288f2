#!/usr/bin/env bash
# Table 2, C3: C0 with selective kernels of one 3x3 of doubled channels, r = 2. Paper: top-1 77.92
#   %, 382 images/s. C3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table2/C3.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table2/C3 "$@"
