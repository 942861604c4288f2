#!/usr/bin/env bash
# Kills real trainings at N random moments and compares what they end with: scripts/soak.sh 100
# docs/reliability.md says what it does and what it found.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! [[ "${1:-}" =~ ^[1-9][0-9]*$ ]]; then
  echo "error: give the number of kills, such as 100. Received: '${1:-}'" >&2
  exit 1
fi
source scripts/environment.sh
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:--1}"
exec "$VENV_PYTHON" tests/official/train/soak.py "$@"
