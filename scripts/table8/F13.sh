#!/usr/bin/env bash
# Table 8, F13: F12 with label smoothing: Assemble-ResNet-FGVC-50. Paper: top-1 92.47 %, mCE 41.99.
#   F13.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F13.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F13 "$@"
