#!/usr/bin/env bash
# MobileNet ablation, MB5: MB4 for 360 epochs. Paper: top-1 74.37 %, mCE 76.39, mFR 65.02, 12.98
#   images/s in FP32, 22.49 quantised. MB5.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB5.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB5 "$@"
