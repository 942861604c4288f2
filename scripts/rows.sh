#!/usr/bin/env bash
# The rows of the paper's tables: what there is, what a row needs, and running one.
#
#   scripts/rows.sh list                all rows: what the paper says, where they stand here
#   scripts/rows.sh needs table7/E11    what must be there before: data, teacher, backbone
#   scripts/rows.sh run table7/E11 --data_dir DIR [--model_dir DIR] [flags of official.train]
#                                       backbone, training, evaluation, export, throughput
#
# scripts/table7/E11.sh is the same as the last one. --dry_run prints the commands, --smoke runs all
# of it in miniature on made-up pictures. DATA_DIR, MODEL_DIR and RUNS_DIR may stand in the
# environment. Paths are taken from the working directory. Which Python: scripts/python.sh.
set -euo pipefail
case "${1:-}" in -h | --help) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;; esac
source "$(dirname "${BASH_SOURCE[0]}")/python.sh"
exec "$python" -m official.rows "$@"
