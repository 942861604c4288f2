#!/usr/bin/env bash
# MobileNet ablation, MB7: MB6 with r = 2. Paper: top-1 76.82 %, mCE 70.67, mFR 55.76, 9.9 images/s
#   in FP32, 19.32 quantised. MB7.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB7.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB7 "$@"
