#!/usr/bin/env bash
# Table 7, E4: E3 with squeeze-and-excitation. Paper: top-1 79.71 %, mCE 64.48, 420 images/s.
#   E4.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table7/E4.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table7/E4 "$@"
