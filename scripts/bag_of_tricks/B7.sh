#!/usr/bin/env bash
# Bag of tricks, B7: B6 with alpha 0.2. Paper: top-1 35.53 %, top-5 78.05 %, 2.5 minutes an epoch.
#   B7.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B7.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B7 "$@"
