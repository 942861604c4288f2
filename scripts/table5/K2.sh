#!/usr/bin/env bash
# Table 5, K2: E7 at temperature 1.5. Paper: top-1 81.5 %. K2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table5/K2.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table5/K2 "$@"
