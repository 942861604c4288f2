"""Keras' applications ResNet50, ResNet101 and ResNet152: their layers in the order of ours.

They differ from the original's in where a bottleneck has its stride (on the first 1x1), in the
first max-pool (padded on every side) and in their input: blue, green, red without a mean.
"""

import re
from collections.abc import Iterator

import numpy as np

from nets import depths, published
from official.checkpoints.foreign import ForeignWeights, Parts, Unit, dense_layer, translate
from official.checkpoints.tensor_files import KerasFile, Layers
from official.run.errors import RunError

SIZES = (50, 101, 152)
# Batch norm's epsilon in the code that the two kinds of names belong to.
_EPSILON = 1.001e-5
_OLD_EPSILON = 1e-3
_OLD_STEM = "conv1"
# What the layers of such a model may be, and what Keras' own `preprocess_input` leaves in one.
_KNOWN_CLASSES = {
    "InputLayer", "ZeroPadding2D", "Conv2D", "BatchNormalization", "Activation", "ReLU", "Softmax",
    "MaxPooling2D", "Add", "GlobalAveragePooling2D", "Dense", "Dropout",
    "GetItem", "Stack", "nn.bias_add", "__operators__.getitem",
    # Nothing but in training.
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast",
    "RandomBrightness",
    # Of the time before 2018.
    "AveragePooling2D", "Flatten", "Merge",
}  # fmt: skip
_ATTEMPTED = "Keras' ResNet50, ResNet101 and ResNet152 (the first version) can be read"


def read(path: str, file: KerasFile) -> ForeignWeights:
    """Returns the weights of a Keras ResNet under the original's names.

    Raises:
      RunError: another network, or layers that have no counterpart; the message names them.
    """
    _check_classes(path, file)
    layers = _named(file.layers)
    pairs = list(_pairs(layers, path))
    dense = {name: a for name, a in layers.items() if a[0].ndim == 2}
    known = {name for pair in pairs for name in pair} | set(dense)
    left = [name for name in layers if name not in known]
    if left:
        raise RunError(f"{path}: {_listed(left)} have no counterpart here. {_ATTEMPTED}.")
    old = _OLD_STEM in layers
    epsilon = _one_epsilon(path, file, [norm for _, norm in pairs]) or (
        _OLD_EPSILON if old else _EPSILON
    )
    remarks = []
    if not file.config:
        said = "the file's old layer names" if old else "Keras' code"
        remarks.append(f"batch norm's epsilon is {epsilon:g}, as of {said}")
    fields = dict(published.KERAS)
    first = file.config.get("res3a_branch2a") or file.config.get("conv3_block1_1_conv")
    if first and max(np.atleast_1d(first["strides"])) == 1:
        fields["use_resnet_b"] = True
    parts = Parts(
        units=[_unit(path, layers, *pair) for pair in pairs],
        gates=[],
        classifier=dense_layer(path, dense),
        fields=fields,
        epsilon=epsilon,
        reversed_channels=True,
        usual_preprocessing=dict(published.KERAS_INPUT),
        remarks=remarks,
    )
    return translate(path, "Keras", parts)


def _check_classes(path: str, file: KerasFile) -> None:
    """Refuses a model with layers that a ResNet of Keras has not."""
    # A layer of TensorFlow's operations says which one it is.
    kinds = {n: layer.get("function", layer["class_name"]) for n, layer in file.config.items()}
    odd = [f"{name} ({kind})" for name, kind in kinds.items() if kind not in _KNOWN_CLASSES]
    if odd:
        raise RunError(
            f"{path}: the layers {_listed(odd)} have no counterpart here, so images or maps would "
            f"be another's. {_ATTEMPTED}, also with a classifier of your own."
        )


def _named(layers: Layers) -> Layers:
    """Layers by their names; where a file has numbered classes alone, by Keras' own order."""
    count = sum(arrays[0].ndim == 4 for arrays in layers.values())
    for size in SIZES:
        names = list(_keras_order(size))
        if "conv2d_1" in layers and count == len(names):
            found = {}
            for kind, end in (("conv2d", "conv"), ("batch_normalization", "bn")):
                for number, name in enumerate(names):
                    key = f"{kind}_{number}" if number else kind
                    if key in layers:
                        found[f"{name}_{end}"] = layers[key]
            dense = {name: arrays for name, arrays in layers.items() if arrays[0].ndim == 2}
            return {**found, **dense}
    return layers


def _keras_order(size: int) -> Iterator[str]:
    """What Keras' layers of that network are called, without ending, in the model's order."""
    yield "conv1"
    for stage, blocks in enumerate(depths.BLOCKS[size], start=2):
        for block in range(1, blocks + 1):
            for part in (1, 2, 0, 3) if block == 1 else (1, 2, 3):
                yield f"conv{stage}_block{block}_{part}"


def _pairs(layers: Layers, path: str) -> Iterator[tuple[str, str]]:
    """Convolution and batch norm by name, in our order; raises RunError for another network."""
    if any("preact" in name for name in layers):
        raise RunError(f"{path} is a ResNet of version 2 (pre-activation): {_ATTEMPTED}.")
    if any(name.startswith("scale") for name in layers):
        raise RunError(f"{path} has Caffe's Scale layers beside its batch norms: {_ATTEMPTED}.")
    blocks: dict[tuple[int, int], dict[str, tuple[str, str]]] = {}
    for name in layers:
        new = re.fullmatch(r"conv([2-5])_block(\d+)_([0-3])_conv", name)
        old = re.fullmatch(r"res([2-5])([a-z])(\d*)_branch(1|2[abc])", name)
        if new:
            place, part = (int(new[1]), int(new[2])), new[3]
            norm = name.removesuffix("conv") + "bn"
        elif old:
            place = (int(old[1]), ord(old[2]) - ord("a") + int(old[3] or 0))
            part = "0" if old[4] == "1" else str("abc".index(old[4][1]) + 1)
            norm = "bn" + name.removeprefix("res")
        else:
            continue
        blocks.setdefault(place, {})[part] = (name, norm)
    stem = ("conv1_conv", "conv1_bn") if "conv1_conv" in layers else (_OLD_STEM, "bn_conv1")
    if not blocks or stem[0] not in layers:
        raise RunError(
            f"{path} holds no ResNet of Keras: its layers are {_listed(list(layers))}. "
            f"{_ATTEMPTED}."
        )
    yield stem
    for place in sorted(blocks):
        for part in sorted(blocks[place]):
            yield blocks[place][part]


def _unit(path: str, layers: Layers, conv: str, norm: str) -> Unit:
    """A convolution with its batch norm."""
    if len(layers.get(norm, [])) != 4:
        raise RunError(f"{path}: {norm} should hold gamma, beta, mean and variance of {conv}.")
    kernel, *bias = layers[conv]
    return Unit(kernel, bias[0] if bias else None, *layers[norm])


def _one_epsilon(path: str, file: KerasFile, norms: list[str]) -> float | None:
    """The epsilon that the batch norms of the file's model have; None where it holds no model."""
    found = {file.config[name]["epsilon"] for name in norms if name in file.config}
    if len(found) > 1:
        raise RunError(f"{path}: its batch norms have different epsilons: {sorted(found)}.")
    return found.pop() if found else None


def _listed(names: list[str]) -> str:
    """The first names of a list."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
