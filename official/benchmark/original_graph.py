"""The operations of the original implementation, to measure against; see docs/performance.md.

The network is that of `nets`, variable by variable, and gives the same logits. What differs is how
it is computed: strided convolutions and blurs take maps that were padded before, the halves of a
selective kernel are stacked to be summed and weighted, and for inference the graph is frozen, with
its batch norms.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from nets import ModelConfig
from nets.builder import LayerBuilder
from nets.head import classify, embed
from nets.layers.anti_alias import BlurPool2D, binomial
from nets.layers.convolution import FixedPaddingConv2D, fixed_pads
from nets.layers.selective_kernel import SelectiveKernel
from nets.resnet import features


class PaddedConv2D(FixedPaddingConv2D):
    """Pads by an operation of its own before a strided convolution; has the default gradients."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves `inputs`."""
        return self.convolution_op(inputs, self.kernel)

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves `inputs` with `kernel`; Keras calls it from `call`."""
        if max(self.strides) == 1:
            return super().convolution_op(inputs, kernel)
        pads = [list(fixed_pads(size)) for size in self.kernel_size]
        padded = tf.pad(inputs, [[0, 0], *pads, [0, 0]])
        return tf.nn.conv2d(padded, kernel, list(self.strides), "VALID")


class ConvolutionBlur(BlurPool2D):
    """REFLECT padding and one convolution per channel: grouped, or depthwise to train.

    A grouped convolution has no gradient on a CPU; a depthwise one is slower.
    """

    def __init__(self, *args: Any, grouped: bool, **kwargs: Any) -> None:
        """Makes the layer."""
        super().__init__(*args, **kwargs)
        self.grouped = grouped

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Blurs and subsamples `inputs`."""
        if self.filter_size == 1:
            return super().call(inputs)
        row = np.array(binomial(self.filter_size), np.float32)
        kernel = np.outer(row, row)[:, :, np.newaxis, np.newaxis] / row.sum() ** 2
        pad = [(self.filter_size - 1) // 2] * 2
        padded = tf.pad(inputs, [[0, 0], pad, pad, [0, 0]], "REFLECT")
        channels = inputs.shape[-1]
        strides = [1, self.strides, self.strides, 1]
        if self.grouped:
            kernel = tf.tile(tf.constant(kernel, inputs.dtype), [1, 1, 1, channels])
            return tf.nn.conv2d(padded, kernel, strides, "VALID")
        kernel = tf.tile(tf.constant(kernel, inputs.dtype), [1, 1, channels, 1])
        return tf.nn.depthwise_conv2d(padded, kernel, strides, "VALID")


class StackedSelectiveKernel(SelectiveKernel):
    """The two halves as one tensor of rank 5: summed, softmax across, weighted, summed again."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Returns the weighted sum of the halves."""
        maps = tf.nn.relu(self.norm(self.conv(inputs), training=training))
        halves = tf.stack(tf.split(maps, 2, axis=-1))
        pooled = tf.reduce_mean(tf.reduce_sum(halves, axis=0), axis=[1, 2], keepdims=True)
        hidden = tf.nn.relu(self.squeeze_norm(self.squeeze(pooled), training=training))
        attention = tf.nn.softmax(tf.stack(tf.split(self.excite(hidden), 2, axis=-1)), axis=0)
        return tf.reduce_sum(halves * attention, axis=0)


@dataclasses.dataclass(frozen=True)
class OriginalBuilder(LayerBuilder):
    """Makes the layers above instead of those of `nets`.

    Attributes:
      grouped: whether the blur is a grouped convolution.
    """

    grouped: bool = False

    def conv(self, x: tf.Tensor, filters: int, kernel_size: int, strides: int = 1) -> tf.Tensor:
        """A convolution without bias."""
        name = self.names.unique("conv2d")
        return PaddedConv2D(filters, kernel_size, strides, use_bias=False, name=name)(x)

    def selective_kernel(self, x: tf.Tensor, filters: int, strides: int) -> tf.Tensor:
        """The selective kernel unit with one 3x3 of doubled channels."""
        layer = self.selective_kernel_layer(filters, strides)
        return StackedSelectiveKernel.from_config(layer.get_config())(x)

    def blur(self, x: tf.Tensor, strides: int) -> tf.Tensor:
        """Anti-aliased subsampling; nothing at stride 1."""
        if strides == 1:
            return x
        name = self.names.unique("anti_alias")
        size = self.config.anti_alias_filter_size
        return ConvolutionBlur(size, strides, grouped=self.grouped, name=name)(x)


def build(
    config: ModelConfig, input_shape: tuple[int, int, int], grouped: bool = False
) -> tf.keras.Model:
    """Returns the network of `config` in the original's operations; without DropBlock."""
    images = tf.keras.Input(input_shape, name="images")
    x = features(images, OriginalBuilder(config, grouped=grouped))
    return tf.keras.Model(images, classify(embed(x, config), config))


def frozen(network: tf.keras.Model, images: np.ndarray) -> Callable[[], np.ndarray]:
    """Freezes a network as the original's graphs were: constants for variables, one session.

    Returns a function that gives the logits of `images`, float32 [N, H, W, 3].
    """
    spec = tf.TensorSpec(images.shape, tf.float32)
    concrete = tf.function(lambda batch: network(batch, training=False)).get_concrete_function(spec)
    values = {id(variable.handle): variable.numpy() for variable in network.variables}
    captured = concrete.captured_inputs
    placeholders = concrete.inputs[len(concrete.inputs) - len(captured) :]
    constants = {
        placeholder.op.name: values[id(handle)]
        for placeholder, handle in zip(placeholders, captured, strict=True)
    }
    definition = concrete.graph.as_graph_def()
    for node in definition.node:
        if node.op == "ReadVariableOp":
            value = constants[node.input[0]]
            node.op = "Const"
            node.ClearField("input")
            node.ClearField("attr")
            node.attr["dtype"].type = tf.as_dtype(value.dtype).as_datatype_enum
            node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
    ends = [concrete.inputs[0].name, concrete.outputs[0].name]
    with tf.Graph().as_default():
        source, logits = tf.import_graph_def(definition, return_elements=ends)
        session = tf.compat.v1.Session()
    return lambda: session.run(logits, {source: images})
