#!/usr/bin/env bash
# Table 7, E0: ResNet-50, cosine decay, no regularisation. Paper: top-1 76.87 %, mCE 75.55, 536
#   images/s. E0.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E0.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E0 "$@"
