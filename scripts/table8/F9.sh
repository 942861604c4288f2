#!/usr/bin/env bash
# Table 8, F9: F4 from the regularised backbone, Assemble-ResNet-50. Paper: top-1 90.63 %, mCE
#   53.98. F9.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F9.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F9 "$@"
