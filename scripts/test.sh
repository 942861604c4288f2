#!/usr/bin/env bash
# Sets up if needed, then passes the tests, in up to four processes (one per core).
# Arguments go to pytest: scripts/test.sh tests/nets -x; in one process: scripts/test.sh -n 0
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
export CUDA_VISIBLE_DEVICES="${CUDA_VISIBLE_DEVICES:--1}"
exec "$VENV_PYTHON" -m pytest -n auto --maxprocesses 4 --dist loadfile "$@"
