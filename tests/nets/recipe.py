"""Weights from names and pictures from a seed: the numbers that the reference values rest on.

RandomState's legacy streams never change, so these are the same numbers in every NumPy version.
The order of the draws is part of the recipe.
"""

import zlib

import numpy as np

_TRUNCATED_STD = 0.88


def value_for(name: str, shape: list[int], scaled: bool = False) -> np.ndarray:
    """float32 value of the checkpoint variable `name`.

    `scaled`: the variable is the batch-norm scale that ends a residual branch.
    """
    random = np.random.RandomState(zlib.crc32(name.encode()))
    leaf = name.rsplit("/", 1)[-1]
    if leaf == "kernel":
        value = _kernel(random, name, shape)
    elif leaf == "gamma":
        value = random.uniform(0.5, 1.5, shape) * (0.25 if scaled else 1.0)
    elif leaf == "moving_variance":
        value = random.uniform(0.5, 1.5, shape)
    elif leaf in ("beta", "moving_mean"):
        value = 0.2 * random.standard_normal(shape)
    elif leaf == "bias":
        value = 0.1 * random.standard_normal(shape)
    else:
        raise ValueError(f"the recipe has no value for {name!r}")
    return value.astype(np.float32)


def _kernel(random: np.random.RandomState, name: str, shape: list[int]) -> np.ndarray:
    fan_in = int(np.prod(shape[:-1]))
    normal = np.clip(random.standard_normal(shape), -2.0, 2.0)
    return _kernel_scale(name, shape) * normal / _TRUNCATED_STD * np.sqrt(1.0 / fan_in)


def _kernel_scale(name: str, shape: list[int]) -> float:
    if len(shape) != 4:
        return 1.0
    if "sk_fc_2" in name:
        return 3.0
    if "seblock_dense" in name:
        return 2.0
    if shape[2] == 3:
        return 1.0 / 80
    return 1.4 if shape[0] > 1 else 1.0


def make_input(size: int, n: int = 2, seed: int = 20200117) -> np.ndarray:
    """`n` pictures [n, size, size, 3], float32 in [-120, 150]: random tiles and noise."""
    random = np.random.RandomState(seed)
    pictures = np.empty((n, size, size, 3), np.float32)
    for number in range(n):
        side = 4 + 3 * (number % 4)
        tiles = random.uniform(-120.0, 150.0, (side, side, 3))
        if number % 2:
            tiles = 0.5 * tiles + random.uniform(-60.0, 75.0, (1, 1, 3))
        cell = (np.arange(size) * side) // size
        picture = tiles[cell][:, cell] + random.uniform(-30.0, 30.0, (size, size, 3))
        pictures[number] = np.clip(picture, -120.0, 150.0)
    return pictures
