#!/usr/bin/env bash
# Bag of tricks, B1: B0 with label smoothing. Paper: top-1 82.78 %, top-5 96.34 %, 1.4 minutes an
#   epoch. B1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B1.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B1 "$@"
