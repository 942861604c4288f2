#!/usr/bin/env bash
# MobileNet ablation, MB1: MB0 with squeeze-and-excitation, r = 16, 360 epochs. Paper: top-1 74.28
#   %, mCE 78.86, mFR 69.98, 10.33 images/s in FP32, 19.71 quantised. MB1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB1.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB1 "$@"
