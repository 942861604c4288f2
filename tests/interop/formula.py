"""Weights and images by formula: the same numbers wherever they are made, from names and shapes.

RandomState's legacy streams never change. A tensor's stream starts from the CRC of its name, as the
other program has it. Needs NumPy alone, so that it runs in the other program's environment too.
"""

import json
import zlib

import numpy as np


def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """float32 value of a tensor of torch (`layer1.0.bn1.weight`) or Keras (`conv1_bn/gamma`)."""
    random = np.random.RandomState(zlib.crc32(name.encode()))
    leaf = name.replace("/", ".").rsplit(".", 1)[-1]
    if leaf in ("running_var", "moving_variance"):
        value = random.uniform(0.5, 1.5, shape)
    elif leaf == "kernel" or (leaf == "weight" and len(shape) > 1):
        inputs = shape[:-1] if leaf == "kernel" else shape[1:]
        # Blurring and several blocks in a row leave logits of the size of one.
        value = random.standard_normal(shape) * np.sqrt(1.5 / np.prod(inputs))
    elif leaf in ("weight", "gamma"):
        value = random.uniform(0.3, 0.9, shape)
    else:
        value = 0.3 * random.standard_normal(shape)
    return value.astype(np.float32)


def pictures(height: int, width: int, count: int = 2) -> np.ndarray:
    """float32 [count, height, width, 3], whole numbers of 0 to 255, red, green, blue."""
    random = np.random.RandomState(14)
    tiles = random.randint(0, 200, (count, 6, 6, 3))
    rows, columns = np.arange(height) * 6 // height, np.arange(width) * 6 // width
    noise = random.randint(0, 56, (count, height, width, 3))
    return (tiles[:, rows][:, :, columns] + noise).astype(np.float32)


def write_safetensors(path: str, tensors: dict[str, np.ndarray]) -> None:
    """Writes float32 tensors in the format of that name: header, then numbers in a row."""
    header, position = {}, 0
    for name, value in tensors.items():
        end = position + value.nbytes
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [position, end]}
        position = end
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for value in tensors.values():
            file.write(np.ascontiguousarray(value, "<f4").tobytes())
