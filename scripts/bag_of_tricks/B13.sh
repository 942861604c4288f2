#!/usr/bin/env bash
# Bag of tricks, B13: B10 with distillation, from a teacher with label smoothing. Paper: top-1 82.09
#   %, top-5 95.77 %, 1.5 minutes an epoch. B13.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B13.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B13 "$@"
