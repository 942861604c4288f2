#!/usr/bin/env bash
# Bag of tricks, B10: B3 with label smoothing. Paper: top-1 81.2 %, top-5 96.44 %, 1.4 minutes an
#   epoch. B10.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B10.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B10 "$@"
