#!/usr/bin/env bash
# Bag of tricks, B0: ResNet-152, the teacher. Paper: top-1 80.49 %, top-5 96.61 %, 1.4 minutes an
#   epoch. B0.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B0.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B0 "$@"
