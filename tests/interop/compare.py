"""Compares networks here, weights imported, with what `judge.py` wrote:

    python tests/interop/compare.py JUDGED.json

Prints the largest difference of the logits over their largest value, a line for each network and
size, and ends with status 1 if one is above 1e-5.
"""

import json
import os
import pathlib
import sys
import tempfile

import numpy as np

if __name__ == "__main__":  # Its own folder is on the path then.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

import formula  # noqa: E402

from official.checkpoints.loading import load_network  # noqa: E402

LIMIT = 1e-5


def differences(name: str, judged: dict, folder: str, **fields) -> dict[str, float]:
    """Largest difference of the logits over the largest logit, by size, of one network."""
    tensors = {key: formula.tensor(key, shape) for key, shape in judged["tensors"].items()}
    path = os.path.join(folder, f"{name}.safetensors")
    formula.write_safetensors(path, tensors)
    network = load_network(f"{name}_timm", path, **fields)
    found = {}
    for size, wanted in judged["logits"].items():
        images = formula.pictures(*map(int, size.split("x")))
        images -= np.array(network.preprocessing.channel_means, np.float32)
        logits = network(images, training=False).numpy()
        found[size] = float(np.abs(logits - wanted).max() / np.abs(wanted).max())
    return found


def main() -> None:
    """Compares every network of the file that the command line names."""
    judged = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    print("judged by", ", ".join(f"{k} {v}" for k, v in judged["versions"].items()))
    worst = 0.0
    for name, network in judged["networks"].items():
        with tempfile.TemporaryDirectory() as folder:
            for size, difference in differences(name, network, folder).items():
                print(f"{name:14} {size:8} {difference:.1e}", flush=True)
                worst = max(worst, difference)
    print(f"largest difference {worst:.1e}, limit {LIMIT:.0e}")
    sys.exit(worst > LIMIT)


if __name__ == "__main__":
    main()
