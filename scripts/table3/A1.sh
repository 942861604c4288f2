#!/usr/bin/env bash
# Table 3, A1: A0 with max-pool, projections and strided convolutions blurred by 5x5. Paper: top-1
#   76.81 %, 422 images/s. A1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table3/A1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table3/A1 "$@"
