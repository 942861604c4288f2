#!/usr/bin/env bash
# Flowers, P0: the plain network of 34 layers. Paper: top-1 71 %. P0.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/flowers104/P0.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run flowers104/P0 "$@"
