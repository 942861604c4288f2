#!/usr/bin/env bash
# Bag of tricks, B11: B3 with distillation. Paper: top-1 81.44 %, top-5 96.79 %, 1.5 minutes an
#   epoch. B11.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B11.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B11 "$@"
