"""The variables of a network under the names that the original's checkpoints have for them."""

from __future__ import annotations

import tensorflow as tf

from nets.layers.cosine_classifier import CosineClassifier
from nets.layers.pooling import GeneralizedMeanPooling
from nets.names import MOBILENET_ROOT, ROOT, original_name, root_of
from nets.network import Network

_LEAVES = {
    tf.keras.layers.DepthwiseConv2D: ("depthwise_kernel", "bias"),
    tf.keras.layers.Conv2D: ("kernel", "bias"),
    tf.keras.layers.Conv1D: ("kernel", "bias"),
    tf.keras.layers.Dense: ("kernel", "bias"),
    CosineClassifier: ("kernel",),
    tf.keras.layers.BatchNormalization: ("gamma", "beta", "moving_mean", "moving_variance"),
    GeneralizedMeanPooling: ("exponent",),
}


def original_variable_names(model: tf.keras.Model) -> dict[str, tf.Variable]:
    """Maps the original's checkpoint names to the variables of a model.

    What the original lacks (the 3x3 + 5x5 selective kernel, efficient channel attention, a learnt
    pooling exponent, MobileNet-V1) has names made by the same rules. The state of DropBlock (keep
    probability, step) has none: the original stored none.

    Args:
        model: A network, also one with folded batch norm; or a functional model of some of its
            layers.

    Returns:
        Name without `:0` -> variable; of a network in the order in which the original makes them,
        of a part in the order of its layers.
    """
    layers = model.layers
    if isinstance(model, Network):
        root = root_of(model.config.architecture)
        # Behind what the builder made comes the head, whose layers are in a row.
        order = {name: number for number, name in enumerate(model.names.made)}
        layers = sorted(layers, key=lambda layer: order.get(layer.name, len(order)))
    else:
        depthwise = (isinstance(layer, tf.keras.layers.DepthwiseConv2D) for layer in layers)
        root = MOBILENET_ROOT if any(depthwise) else ROOT
    names = {}
    for layer in layers:
        for part in getattr(layer, "parts", (layer,)):
            kinds = (leaves for kind, leaves in _LEAVES.items() if isinstance(part, kind))
            for leaf in next(kinds, ()):
                variable = getattr(part, leaf, None)
                if variable is not None:
                    names[original_name(root, part.name, leaf)] = variable
    return names
