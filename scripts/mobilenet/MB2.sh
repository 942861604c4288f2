#!/usr/bin/env bash
# MobileNet ablation, MB2: MB0 with label smoothing. Paper: top-1 72.66 %, mCE 83.05, mFR 71.89,
#   12.98 images/s in FP32, 22.49 quantised. MB2.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB2.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB2 "$@"
