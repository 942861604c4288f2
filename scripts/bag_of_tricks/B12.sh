#!/usr/bin/env bash
# Bag of tricks, B12: B4 with distillation, from a teacher with label smoothing. Paper: top-1 81.84
#   %, top-5 96.09 %, 1.5 minutes an epoch. B12.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B12.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B12 "$@"
