#!/usr/bin/env bash
# Table 2, C4: C3 with r = 16. Paper: top-1 77.57 %, 402 images/s. C4.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table2/C4.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table2/C4 "$@"
