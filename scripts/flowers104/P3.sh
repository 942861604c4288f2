#!/usr/bin/env bash
# Flowers, P3: P2 from ImageNet weights. Paper: no number. P3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/flowers104/P3.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run flowers104/P3 "$@"
