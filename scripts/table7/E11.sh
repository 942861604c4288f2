#!/usr/bin/env bash
# Table 7, E11: E10 with AutoAugment (the policy found for ImageNet): Assemble-ResNet-50. Paper:
#   top-1 82.78 %, mCE 48.89, 312 images/s. E11.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E11.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E11 "$@"
