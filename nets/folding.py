"""Batch norm folded into the convolution before it, for inference.

In inference batch norm is a scale and a shift for each channel. Both fit into the convolution whose
output it takes: the kernel is scaled, the shift becomes a bias. It saves one pass over every map,
and the graph optimiser fuses bias and ReLU into the convolution.
"""

from __future__ import annotations

import tensorflow as tf

from nets.folded import INNER_PAIRS, FoldedBatchNorm
from nets.layers.convolution import FixedPaddingDepthwiseConv2D
from nets.network import Network


def fold_batch_norm(model: Network) -> Network:
    """Makes the inference copy of a network, without the batch norms that follow a convolution.

    It has weights of its own; layer names and outputs are as before, and the logits of a float32
    network differ by rounding (below 1e-6 of the largest). The batch norm of an embedding stays.

    Raises:
        TypeError: `model` is not a network of `nets`.
        ValueError: Its batch norms are folded already.
    """
    if not isinstance(model, Network):
        raise TypeError(
            f"fold_batch_norm takes a network that nets built or that was loaded, not {model!r}"
        )
    config = model.get_config()
    if config["folded"]:
        raise ValueError(f"{model.name}: its batch norms are folded already")
    folded = Network.from_config({**config, "folded": True})
    norms = {
        layer.convolution: model.get_layer(layer.name)
        for layer in folded.layers
        if isinstance(layer, FoldedBatchNorm)
    }
    for copy in folded.layers:
        layer = model.get_layer(copy.name)
        if copy.name in norms:
            _fill(copy, layer, norms[copy.name])
        elif type(copy) in INNER_PAIRS:
            for conv, norm in INNER_PAIRS[type(copy)]:
                _fill(getattr(copy, conv), getattr(layer, conv), getattr(layer, norm))
            copy.excite.set_weights(layer.excite.get_weights())
        elif copy.weights:
            copy.set_weights(layer.get_weights())
    return folded


def _fill(
    folded: tf.keras.layers.Layer,
    conv: tf.keras.layers.Layer,
    norm: tf.keras.layers.BatchNormalization,
) -> None:
    """Gives `folded` the weights that do the work of `conv` and `norm`; computed in float64."""
    gamma, beta, mean, variance = (value.astype("float64") for value in norm.get_weights())
    scale = gamma / (variance + norm.epsilon) ** 0.5
    kernel = conv.get_weights()[0].astype("float64")
    # A depthwise kernel is [height, width, channels, 1].
    depthwise = isinstance(conv, FixedPaddingDepthwiseConv2D)
    scaled = kernel * (scale[:, None] if depthwise else scale)
    folded.set_weights([scaled.astype("float32"), (beta - mean * scale).astype("float32")])
