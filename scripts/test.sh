#!/usr/bin/env bash
# Sets up if needed, then passes the tests. Arguments go to pytest: scripts/test.sh tests/nets -x
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:--1}"
exec "$VENV_PYTHON" -m pytest "$@"
