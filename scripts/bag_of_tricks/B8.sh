#!/usr/bin/env bash
# Bag of tricks, B8: B6 with alpha 0.1. Paper: top-1 51.92 %, top-5 91.21 %, 2.5 minutes an epoch.
#   B8.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B8.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B8 "$@"
