#!/usr/bin/env bash
# Bag of tricks, B5: B2 with distillation: 0.1 CE + 0.9 T^2 KL, T = 10, from a teacher that runs
#   along. Paper: top-1 81.36 %, top-5 96.9 %, 1.3 minutes an epoch. B5.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B5.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B5 "$@"
