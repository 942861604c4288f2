#!/usr/bin/env bash
# Bag of tricks, B14: B13 with mixup, alpha 0.2. Paper: top-1 79.49 %, top-5 95.98 %, 2.5 minutes an
#   epoch. B14.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B14.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B14 "$@"
