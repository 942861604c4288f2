#!/usr/bin/env bash
# Bag of tricks, B2: ResNet-50. Paper: top-1 78.53 %, top-5 93.82 %, 1.3 minutes an epoch. B2.flags
#   says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B2.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B2 "$@"
