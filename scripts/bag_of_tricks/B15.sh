#!/usr/bin/env bash
# Bag of tricks, B15: B14 with alpha 0.01. Paper: top-1 81.43 %, top-5 96.3 %, 2.5 minutes an epoch.
#   B15.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B15.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B15 "$@"
