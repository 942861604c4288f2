#!/usr/bin/env bash
# Table 8, F4: F3 with anti-aliased strided convolutions. Paper: top-1 90.37 %, mCE 56.66. F4.flags
#   says more.
# DATA_DIR=... MODEL_DIR=... scripts/table8/F4.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table8/F4 "$@"
