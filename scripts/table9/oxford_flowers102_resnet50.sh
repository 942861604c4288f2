#!/usr/bin/env bash
# Table 9, Oxford-Flowers: ResNet-50. Paper: top-1 96.1 %. oxford_flowers102_resnet50.flags says
#   more.
# DATA_DIR=... MODEL_DIR=... scripts/table9/oxford_flowers102_resnet50.sh [--dry_run | --smoke]
#   [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table9/oxford_flowers102_resnet50 "$@"
