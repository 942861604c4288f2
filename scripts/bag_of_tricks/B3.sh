#!/usr/bin/env bash
# Bag of tricks, B3: B2 with cosine decay to 0. Paper: top-1 79.13 %, top-5 95.77 %, 1.3 minutes an
#   epoch. B3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/bag_of_tricks/B3.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run bag_of_tricks/B3 "$@"
