#!/usr/bin/env bash
# Bag of tricks, B4: B2 with label smoothing. Paper: top-1 81.55 %, top-5 96.17 %, 1.3 minutes an
#   epoch. B4.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B4.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B4 "$@"
