#!/usr/bin/env bash
# Table 3, A2: A1 with a blur of 3x3. Paper: top-1 76.83 %, 456 images/s. A2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table3/A2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table3/A2 "$@"
