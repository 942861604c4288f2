#!/usr/bin/env bash
# Table 8, F0: ResNet-50 on Food-101. Paper: top-1 86.99 %, mCE 61.5. F0.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F0.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F0 "$@"
