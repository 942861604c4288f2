#!/usr/bin/env bash
# MobileNet ablation, MB4: MB3 with distillation. Paper: top-1 74.18 %, mCE 77.51, mFR 64.41, 12.98
#   images/s in FP32, 22.49 quantised. MB4.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB4.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB4 "$@"
