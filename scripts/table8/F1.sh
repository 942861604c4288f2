#!/usr/bin/env bash
# Table 8, F1: F0 with ResNet-D. Paper: top-1 87.63 %, mCE 62.12. F1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F1 "$@"
