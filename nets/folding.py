"""Batch norm folded into the convolution before it, for inference.

In inference batch norm is a scale and a shift for each channel. Both fit into the convolution whose
output it takes: the kernel is scaled, the shift becomes a bias. It saves one pass over every map,
and the graph optimiser fuses bias and ReLU into the convolution.
"""

from __future__ import annotations

import tensorflow as tf

from nets.layers.conv_norm import PACKAGE, FixedPaddingConv2D, FixedPaddingDepthwiseConv2D
from nets.layers.selective_kernel import SelectiveKernel, SelectiveKernelFusion

_CONVOLUTIONS = (FixedPaddingConv2D, FixedPaddingDepthwiseConv2D)
# Pairs of a convolution and its batch norm inside a layer, by attribute.
_INNER_PAIRS = {
    SelectiveKernel: (("conv", "norm"), ("squeeze", "squeeze_norm")),
    SelectiveKernelFusion: (("squeeze", "squeeze_norm"),),
}


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FoldedBatchNorm(tf.keras.layers.Layer):
    """Stands where a batch norm was that the convolution before it now does; the identity."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns `inputs`.

        Raises:
            ValueError: `training` is true: a folded network has no batch statistics.
        """
        if training is True:
            raise ValueError(f"{self.name}: a network with folded batch norm cannot be trained")
        return inputs


def fold_batch_norm(model: tf.keras.Model) -> tf.keras.Model:
    """Makes the inference copy of a model, without the batch norms that follow a convolution.

    Args:
        model: A float32 model that `build_model` made, with its weights.

    Returns:
        A model of its own weights, layer names and outputs as before. Its logits differ by rounding
        (below 1e-6 of the largest). A batch norm that follows no convolution, as that of an
        embedding, or a convolution that something else reads too, stays.
    """
    pairs = _pairs(model)
    convolutions = {conv.name for conv in pairs.values()}

    def copy(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        if layer.name in pairs:
            return FoldedBatchNorm(name=layer.name)
        if layer.name in convolutions:
            return _with_bias(layer)
        new = type(layer).from_config(layer.get_config())
        for conv, norm in _INNER_PAIRS.get(type(layer), ()):
            setattr(new, conv, _with_bias(getattr(new, conv)))
            setattr(new, norm, FoldedBatchNorm(name=getattr(new, norm).name))
        return new

    folded = tf.keras.models.clone_model(model, clone_function=copy)
    for norm, conv in pairs.items():
        _fill(folded.get_layer(conv.name), conv, model.get_layer(norm))
    for layer in model.layers:
        if layer.name not in pairs and layer.name not in convolutions:
            _copy_inside(folded.get_layer(layer.name), layer)
    return folded


def _pairs(model: tf.keras.Model) -> dict[str, tf.keras.layers.Layer]:
    """The convolution that each batch norm of the functional graph can be folded into."""
    pairs = {}
    for layer in model.layers:
        if not isinstance(layer, tf.keras.layers.BatchNormalization):
            continue
        source = _source(layer)
        while isinstance(source, tf.keras.layers.Identity) and len(source.outbound_nodes) == 1:
            source = _source(source)
        if isinstance(source, _CONVOLUTIONS) and len(source.outbound_nodes) == 1:
            pairs[layer.name] = source
    return pairs


def _source(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    """The layer that gives a layer of one input its input."""
    return layer.inbound_nodes[0].inbound_layers


def _with_bias(conv: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    """A convolution of the same settings, with a bias."""
    return type(conv).from_config({**conv.get_config(), "use_bias": True})


def _fill(
    folded: tf.keras.layers.Layer,
    conv: tf.keras.layers.Layer,
    norm: tf.keras.layers.BatchNormalization,
) -> None:
    """Gives `folded` the weights that do the work of `conv` and `norm`; computed in float64."""
    gamma, beta, mean, variance = (value.astype("float64") for value in norm.get_weights())
    scale = gamma / (variance + norm.epsilon) ** 0.5
    kernel = conv.get_weights()[0].astype("float64")
    if isinstance(conv, FixedPaddingDepthwiseConv2D):
        # [height, width, channels, 1]
        scaled = kernel * scale[:, None]
    else:
        scaled = kernel * scale
    folded.set_weights([scaled.astype("float32"), (beta - mean * scale).astype("float32")])


def _copy_inside(copy: tf.keras.layers.Layer, layer: tf.keras.layers.Layer) -> None:
    """Copies the weights of a layer, folding the pairs inside of it."""
    inner = _INNER_PAIRS.get(type(layer), ())
    if not inner:
        copy.set_weights(layer.get_weights())
        return
    for conv, norm in inner:
        _fill(getattr(copy, conv), getattr(layer, conv), getattr(layer, norm))
    copy.excite.set_weights(layer.excite.get_weights())
