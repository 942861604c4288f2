#!/usr/bin/env bash
# Cross-validation: trains on all parts of the data but one, in turn, and scores on that one.
#   scripts/cross_validate.sh --data_dir DIR --work_dir DIR [--folds=5] [flags of official.train]
# Prints mean and deviation of the scores. The flowers: --flagfile=scripts/flowers104/P1.flags with
# --dataset_name=kaggle_flower, and the records of one size.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/python.sh"
exec "$python" -m official.cross_validate "$@"
