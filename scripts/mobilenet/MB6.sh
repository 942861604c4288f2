#!/usr/bin/env bash
# MobileNet ablation, MB6: MB5 with squeeze-and-excitation, r = 16. Paper: top-1 76.42 %, mCE 71.67,
#   mFR 56.73, 10.33 images/s in FP32, 19.71 quantised. MB6.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB6.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB6 "$@"
