#!/usr/bin/env bash
# Table 7, E6: E5 with selective kernels in place of squeeze-and-excitation. Paper: top-1 81.4 %,
#   mCE 58.34, 359 images/s. E6.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E6.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E6 "$@"
