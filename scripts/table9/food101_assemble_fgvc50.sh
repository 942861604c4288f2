#!/usr/bin/env bash
# Table 9, Food-101: Assemble-ResNet-FGVC-50, the training of table 8's F13. Paper: top-1 92.5 %.
#   food101_assemble_fgvc50.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table9/food101_assemble_fgvc50.sh [--dry_run | --smoke] [flags
#   of official.train]
exec "$(dirname "$0")/../rows.sh" run table9/food101_assemble_fgvc50 "$@"
