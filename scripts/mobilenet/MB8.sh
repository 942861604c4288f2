#!/usr/bin/env bash
# MobileNet ablation, MB8: MB7 with DropBlock, 900 epochs. Paper: top-1 77.3 %, mCE 68.12, mFR
#   49.99, 9.9 images/s in FP32, 19.32 quantised. MB8.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/mobilenet/MB8.sh [--dry_run | --smoke] [flags of
#   official.train]
exec "$(dirname "$0")/../rows.sh" run mobilenet/MB8 "$@"
