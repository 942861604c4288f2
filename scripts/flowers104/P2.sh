#!/usr/bin/env bash
# Flowers, P2: ResNet-50. Paper: no number. P2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/flowers104/P2.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run flowers104/P2 "$@"
