#!/usr/bin/env bash
# Flowers, P1: P0 with shortcuts: ResNet-34. Paper: top-1 72 %. P1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/flowers104/P1.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run flowers104/P1 "$@"
