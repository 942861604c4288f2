#!/usr/bin/env bash
# Table 6, M2: M1 with selective kernels. Paper: top-1 78.83 %, 359 images/s. M2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table6/M2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table6/M2 "$@"
