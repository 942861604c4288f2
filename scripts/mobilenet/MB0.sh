#!/usr/bin/env bash
# MobileNet ablation, MB0: MobileNet-V1. Paper: top-1 72.59 %, mCE 83.85, mFR 74.29, 12.98 images/s
#   in FP32, 22.49 quantised. MB0.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB0.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB0 "$@"
