#!/usr/bin/env bash
# Table 5, K1: E7 at temperature 2. Paper: top-1 81.47 %. K1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table5/K1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table5/K1 "$@"
