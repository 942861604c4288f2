#!/usr/bin/env bash
# MobileNet ablation, MB3: MB2 with mixup, 200 epochs. Paper: top-1 73.54 %, mCE 78.56, mFR 65.78,
#   12.98 images/s in FP32, 22.49 quantised. MB3.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB3.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB3 "$@"
