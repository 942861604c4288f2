#!/usr/bin/env bash
# Sends N bad pictures among good ones to a served model: scripts/soak_serving.sh 10000 [SAVED_MODEL]
# docs/serving.md says what it does and what it found.
set -euo pipefail
if ! [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then
  echo "error: give the number of bad pictures, such as 10000. Received: '${1:-}'" >&2
  exit 1
fi
number="$1"
model="${2:+$(realpath -- "$2")}"
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:--1}"
exec "$VENV_PYTHON" tests/official/serve/soak.py "$number" ${model:+"$model"}
