#!/usr/bin/env bash
# Imports every network of timm and torchvision that has a counterpart here, with weights by formula,
# and compares logits with theirs; about ten minutes on 2 cores.
#
#   scripts/interop_check.sh             all networks, at 224x224 and 193x150
#   scripts/interop_check.sh --write     the reference values of the normal suite anew (tests/reference/official)
#
# An environment of its own (.venv-interop, or INTEROP_VENV) gets torch and timm; TORCH, TORCHVISION and TIMM
# say which, such as TORCH=torch==2.13.0.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
export CUDA_VISIBLE_DEVICES=-1
INTEROP_VENV="${INTEROP_VENV:-.venv-interop}"
if [ ! -x "$INTEROP_VENV/bin/python" ]; then
  "$VENV_PYTHON" -m venv "$INTEROP_VENV"
fi
if [ ! -e "$INTEROP_VENV/.installed" ]; then
  echo "Installing torch and timm into $INTEROP_VENV ..." >&2
  # torchvision by itself: it insists on the exact build of torch that it was made with.
  "$INTEROP_VENV/bin/pip" install -qq --disable-pip-version-check \
    ${TORCH:-torch==2.13.0} numpy pillow pyyaml safetensors huggingface_hub
  "$INTEROP_VENV/bin/pip" install -qq --disable-pip-version-check --no-deps \
    ${TORCHVISION:-torchvision==0.28.0} ${TIMM:-timm==1.0.31}
  touch "$INTEROP_VENV/.installed"
fi
judged="$(mktemp)"
trap 'rm -f "$judged"' EXIT
if [ "${1:-}" = --write ]; then
  "$INTEROP_VENV/bin/python" tests/interop/judge.py "$judged" --sizes=64x64,75x61 \
    --names=resnet18,resnet50,resnet50d,seresnet50,ecaresnet50d,resnetblur50
  cp "$judged" tests/reference/official/timm.json
  echo "wrote tests/reference/official/timm.json"
else
  "$INTEROP_VENV/bin/python" tests/interop/judge.py "$judged" "$@"
fi
exec "$VENV_PYTHON" tests/interop/compare.py "$judged"
