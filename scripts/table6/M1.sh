#!/usr/bin/env bash
# Table 6, M1: ResNet-50-D, the training of table 7's E1. Paper: top-1 77.37 %, 493 images/s.
#   M1.flags says more.
# DATA_DIR=... MODEL_DIR=... scripts/table6/M1.sh [--dry_run | --smoke] [flags of official.train]
exec "$(dirname "$0")/../rows.sh" run table6/M1 "$@"
