#!/usr/bin/env bash
# Table 7, E1: E0 with ResNet-D. Paper: top-1 77.37 %, mCE 75.73, 493 images/s. E1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E1 "$@"
