#!/usr/bin/env bash
# Throughput of the paper's networks, table 12, beside the paper's: scripts/table12/all.sh [flags]
# FP32 without TF32, batch 64 as in the paper (another: --batch_size=8), on the first GPU or the CPU.
# Writes results/throughput-DEVICE-fp32-b64.csv and .png; --max_gflops=16 leaves the largest out.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
exec "$VENV_PYTHON" -m official.benchmark --table12 "$@"
