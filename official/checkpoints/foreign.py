"""Weights of other programs' ResNets under the original's names, and what those programs differ in.

Keras' applications, torchvision and timm build the same blocks and name them otherwise. Their
convolutions and batch norms are put into the order in which the networks here make theirs; the rest
is exact arithmetic: a convolution's bias goes into the moving mean, the order and the scale of the
colours into the first kernel.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from nets.layers.batch_norm import SMALLEST_EPSILON
from nets.names import ROOT
from official.run.errors import RunError

Shapes = dict[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class Unit:
    """A convolution [h, w, in, out], its bias if it has one, and its batch norm, float32 [out]."""

    kernel: np.ndarray
    bias: np.ndarray | None
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def variables(self, epsilon: float, own_epsilon: float) -> dict[str, np.ndarray]:
        """Returns the values of a convolution without bias and a batch norm of another epsilon.

        The function is the same in inference, computed in float64.
        """
        gamma, mean, variance = (
            value.astype(np.float64) for value in (self.gamma, self.mean, self.variance)
        )
        return {
            "kernel": self.kernel,
            "gamma": gamma * np.sqrt((variance + own_epsilon) / (variance + epsilon)),
            "beta": self.beta,
            "moving_mean": mean if self.bias is None else mean - self.bias,
            "moving_variance": self.variance,
        }


@dataclasses.dataclass(frozen=True)
class Parts:
    """A network as another program has it.

    Attributes:
      units: convolutions with their batch norms, in the order in which networks here make them: of
        a block the shortcut's first.
      gates: of each block with attention, kernels and biases by the names of our gates' variables.
      classifier: kernel [features, classes] and bias; None where there is none.
      fields: of `ModelConfig`, that the program's networks have and variables do not show.
      epsilon: of the batch norms.
      input_scale: of each of the three channels of the first kernel, red, green, blue: what an
        image of 0 to 255 without its mean is multiplied by.
      reversed_channels: the first kernel wants blue, green, red.
      preprocessing: fields of `PreprocessingConfig` that come with the weights.
      usual_preprocessing: those that weights of this kind have, if nothing else is known.
      remarks: what was taken for granted.
    """

    units: list[Unit]
    gates: list[dict[str, np.ndarray]]
    classifier: tuple[np.ndarray, np.ndarray] | None
    fields: dict[str, Any]
    epsilon: float
    input_scale: Sequence[float] = (1.0, 1.0, 1.0)
    reversed_channels: bool = False
    preprocessing: dict[str, Any] = dataclasses.field(default_factory=dict)
    usual_preprocessing: dict[str, Any] = dataclasses.field(default_factory=dict)
    remarks: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class ForeignWeights:
    """Weights of another program; attributes as of `OriginalCheckpoint`.

    Attributes:
      prefix: the file.
      origin: `Keras`, or `torchvision or timm`.
      shapes: shape of each variable, by the original's name.
      network: fields of `ModelConfig` that variables do not show.
      preprocessing: fields of `PreprocessingConfig` that come with the weights.
      usual_preprocessing: those that weights of this kind have, if nothing else is known.
      remarks: what was taken for granted.
    """

    prefix: str
    origin: str
    shapes: Shapes
    network: Mapping[str, Any]
    preprocessing: Mapping[str, Any]
    usual_preprocessing: Mapping[str, Any]
    remarks: list[str]
    arrays: dict[str, np.ndarray] = dataclasses.field(repr=False)
    ignored: dict[str, str] = dataclasses.field(default_factory=dict)
    keys: dict[str, str] = dataclasses.field(default_factory=dict)
    step: int = 0

    def values(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        """Returns float32 values by name; raises RunError for values that are not finite."""
        values = {name: self.arrays[name] for name in names}
        bad = [name for name, value in values.items() if not np.all(np.isfinite(value))]
        if bad:
            raise RunError(
                f"{self.prefix} holds values that are no finite numbers in {len(bad)} variables: "
                f"{', '.join(bad)}. Take other weights."
            )
        return values


def translate(path: str, origin: str, parts: Parts) -> ForeignWeights:
    """Gives a network's parts the original's names; see the module's text for what is folded."""
    # Ours is never smaller than SMALLEST_EPSILON; what that changes goes into gamma.
    large = parts.epsilon > SMALLEST_EPSILON
    own_epsilon = parts.epsilon if large else SMALLEST_EPSILON
    arrays: dict[str, np.ndarray] = {}
    for number, unit in enumerate(parts.units):
        for leaf, value in unit.variables(parts.epsilon, own_epsilon).items():
            layer = "conv2d" if leaf == "kernel" else "batch_normalization"
            arrays[f"{ROOT}/{_numbered(layer, number)}/{leaf}"] = value
    first = f"{ROOT}/conv2d/kernel"
    if arrays[first].ndim == 4 and arrays[first].shape[2] == 3:
        kernel = arrays[first].astype(np.float64)
        kernel = kernel[:, :, ::-1] if parts.reversed_channels else kernel
        arrays[first] = kernel * np.asarray(parts.input_scale)[:, np.newaxis]
    for number, gate in enumerate(parts.gates):
        for name, value in gate.items():
            block, _, rest = name.partition("/")
            arrays[f"{ROOT}/{_numbered(block, number)}/{rest}"] = value
    if parts.classifier is not None:
        for leaf, value in zip(("kernel", "bias"), parts.classifier, strict=True):
            arrays[f"{ROOT}/dense/{leaf}"] = value
    arrays = {name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}
    return ForeignWeights(
        prefix=path,
        origin=origin,
        shapes={name: value.shape for name, value in arrays.items()},
        network={**parts.fields, **({"bn_epsilon": parts.epsilon} if large else {})},
        preprocessing=parts.preprocessing,
        usual_preprocessing=parts.usual_preprocessing,
        remarks=parts.remarks,
        arrays=arrays,
    )


def _numbered(name: str, number: int) -> str:
    """`conv2d`, `conv2d_1`, ...: names as TensorFlow 1 counted them."""
    return f"{name}_{number}" if number else name


def dense_layer(path: str, found: Mapping[str, list[np.ndarray]]):
    """Returns kernel [features, classes] and bias of the one dense layer in `found`, or None.

    Raises:
      RunError: there are several.
    """
    if len(found) > 1:
        raise RunError(
            f"{path} has {len(found)} dense layers ({', '.join(found)}); networks here have one "
            "behind their pooling."
        )
    for kernel, *bias in found.values():
        return kernel, bias[0] if bias else np.zeros(kernel.shape[1], np.float32)
    return None
