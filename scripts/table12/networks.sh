#!/usr/bin/env bash
# Table 12: FLOPs and images/s of the paper's networks, without a checkpoint: random weights, batch
# norm folded, FP32, batch 64 (the paper's images/s: one NVIDIA P40). One CSV row for each network.
#   scripts/table12/networks.sh [--csv=FILE] [flags of official.benchmark]
# The EfficientNets of the table are not networks of this program.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../python.sh"
exec "$python" -m official.benchmark --mode=inference --batch_size=64 \
  --models=resnet50,resnet50d,resnet50d_sk,resnet50d_sk_bl,assemble_resnet50,assemble_resnet152 "$@"
