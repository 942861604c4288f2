#!/usr/bin/env bash
# Table 9, Food-101: ResNet-50, the training of table 8's F0. Paper: top-1 87.0 %.
#   food101_resnet50.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table9/food101_resnet50.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run table9/food101_resnet50 "$@"
