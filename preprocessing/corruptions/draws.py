"""Random numbers of either of NumPy's generators.

A `RandomState` gives the numbers that the published code drew after `numpy.random.seed`, in
float64. A `Generator` gives others, faster and in float32.
"""

import numpy as np

Random = np.random.RandomState | np.random.Generator


def normal(random: Random, shape: tuple[int, ...]) -> np.ndarray:
    """Returns standard normal numbers, float64 or float32."""
    if isinstance(random, np.random.Generator):
        return random.standard_normal(shape, np.float32)
    return random.standard_normal(shape)


def unit(random: Random, shape: tuple[int, ...]) -> np.ndarray:
    """Returns uniform numbers in [0, 1), float64 or float32."""
    if isinstance(random, np.random.Generator):
        return random.random(shape, np.float32)
    return random.random_sample(shape)


def uniform(random: Random, low: float, high: float, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Returns uniform numbers in [low, high)."""
    return low + (high - low) * unit(random, shape)


def integers(random: Random, low: int, high: int, shape: tuple[int, ...] = ()) -> np.ndarray:
    """Returns whole numbers in [low, high)."""
    if isinstance(random, np.random.Generator):
        return random.integers(low, high, shape)
    return random.randint(low, high, shape)
