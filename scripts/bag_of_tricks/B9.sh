#!/usr/bin/env bash
# Bag of tricks, B9: B6 with alpha 0.01. Paper: top-1 80.13 %, top-5 96.38 %, 2.5 minutes an epoch.
#   B9.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B9.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B9 "$@"
