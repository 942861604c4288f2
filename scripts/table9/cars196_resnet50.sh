#!/usr/bin/env bash
# Table 9, Stanford Cars: ResNet-50. Paper: top-1 89.1 %. cars196_resnet50.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table9/cars196_resnet50.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run table9/cars196_resnet50 "$@"
