#!/usr/bin/env bash
# Bag of tricks, B6: B2 with mixup, alpha 1. Paper: top-1 5.27 %, top-5 24.24 %, 2.5 minutes an
#   epoch. B6.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B6.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B6 "$@"
