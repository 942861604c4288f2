"""What timm's and torchvision's networks answer, for weights and images by formula.

Runs where torch, torchvision and timm are; scripts/interop_check.sh makes such an environment:

    python judge.py OUT.json --sizes=224x224,193x150 [--names=resnet50d,...]

OUT.json holds the names and shapes of each network's tensors and its logits, [2, CLASSES] a size.
"""

import argparse
import json
import sys

import formula
import numpy as np
import torch

try:
    import torchvision
except RuntimeError:
    # It was built for another torch and lacks its operators of detection, which nobody needs here.
    for loaded in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[loaded]
    OPERATORS = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        OPERATORS.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision
import timm

NAMES = (
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnet50d", "resnet101d",
    "resnet152d", "resnet200d", "seresnet50", "ecaresnet50d", "resnetblur50",
)  # fmt: skip
CLASSES = 7
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)


def judge(name: str, sizes: list[str]) -> dict:
    """The tensors of one network and its logits at some sizes, HEIGHTxWIDTH."""
    networks = [timm.create_model(name, num_classes=CLASSES)]
    if hasattr(torchvision.models, name):
        networks.append(getattr(torchvision.models, name)(num_classes=CLASSES))
    shapes = {
        key: list(value.shape)
        for key, value in networks[0].state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    weights = {key: torch.tensor(formula.tensor(key, shape)) for key, shape in shapes.items()}
    logits = {}
    for network in networks:
        left = network.load_state_dict(weights, strict=False)
        assert not left.unexpected_keys, left
        assert all(key.endswith("num_batches_tracked") for key in left.missing_keys), left
        network.eval()
    for size in sizes:
        images = (formula.pictures(*map(int, size.split("x"))) / 255 - MEAN) / DEVIATION
        images = torch.tensor(images.transpose(0, 3, 1, 2))
        with torch.no_grad():
            answers = [network(images).double().numpy() for network in networks]
        for answer in answers[1:]:
            np.testing.assert_allclose(answer, answers[0], atol=1e-5 * np.abs(answers[0]).max())
        logits[size] = [[float(f"{value:.7g}") for value in row] for row in answers[0]]
    return {"tensors": shapes, "logits": logits}


def main() -> None:
    """Judges the networks that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output")
    parser.add_argument("--names", default=",".join(NAMES))
    parser.add_argument("--sizes", default="224x224,193x150")
    given = parser.parse_args()
    networks = {}
    for name in given.names.split(","):
        networks[name] = judge(name, given.sizes.split(","))
        print(f"{name}: {len(networks[name]['tensors'])} tensors", flush=True)
    versions = {module.__name__: module.__version__ for module in (torch, torchvision, timm)}
    with open(given.output, "w", encoding="utf-8") as file:
        json.dump({"versions": versions, "networks": networks}, file)


if __name__ == "__main__":
    main()
