"""Convolutions with the original's padding and initialisers.

The padding depends on the kernel alone, so a strided convolution sees the same pixels whatever the
size of the image; TensorFlow's own SAME pads one side only at even sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, fixed_arguments

_IMAGE_CHANNELS = 4


def fixed_pads(kernel_size: int) -> tuple[int, int]:
    """Zeros before and after an axis for a kernel of that size: `kernel_size - 1` in all."""
    before = (kernel_size - 1) // 2
    return before, kernel_size - 1 - before


@tf.custom_gradient
def _same_convolution(inputs: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Convolves at stride 1 with SAME padding; the kernel's gradient is the faster one on a CPU.

    The pads of SAME are the same at every size, and written as numbers they lead to the gradient of
    the kernel by Eigen, which takes less time than that by oneDNN (docs/performance.md). Everything
    else stays with oneDNN.
    """

    def gradients(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        options = {"out_backprop": upstream, "strides": [1, 1, 1, 1]}
        rows, columns = (fixed_pads(size) for size in kernel.shape[:2])
        to_inputs = tf.raw_ops.Conv2DBackpropInput(
            input_sizes=tf.shape(inputs), filter=kernel, padding="SAME", **options
        )
        to_kernel = tf.raw_ops.Conv2DBackpropFilter(
            input=inputs,
            filter_sizes=tf.shape(kernel),
            padding="EXPLICIT",
            explicit_paddings=[0, 0, *rows, *columns, 0, 0],
            **options,
        )
        return to_inputs, to_kernel

    return tf.nn.conv2d(inputs, kernel, strides=1, padding="SAME"), gradients


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FixedPaddingConv2D(tf.keras.layers.Conv2D):
    """Convolution that pads by the size of its kernel alone when it is strided.

    Input [N, H, W, C], output [N, ceil(H / strides), ceil(W / strides), filters]. Stride 1 is
    SAME. A strided one pads `(k-1)//2` zeros before and `k//2` after. Maps are padded by the
    convolution, which saves a copy; images before it, because with few channels the gradient of
    a padding convolution takes up to 2.5 times as long on a CPU (docs/performance.md). A 1x1
    convolution is never given explicit pads, not even of 0: oneDNN has no gradient for them.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, **kwargs: Any) -> None:
        """Makes the layer from arguments of `tf.keras.layers.Conv2D`.

        Raises:
            ValueError: Padding, data format, dilation or groups are given and are not the layer's.
        """
        kwargs = fixed_arguments(
            self,
            kwargs,
            padding=_keras_padding(strides),
            data_format="channels_last",
            dilation_rate=(1, 1),
            groups=1,
        )
        super().__init__(filters, kernel_size, strides, **kwargs)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Convolves `inputs`; `training` chooses between two equal ways, for their speed."""
        # A tensor, where Keras itself does not know, counts as False.
        if training is not True or not self._has_own_gradient(inputs):
            return super().call(inputs)
        outputs = _same_convolution(inputs, tf.convert_to_tensor(self.kernel))
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs)

    def _has_own_gradient(self, inputs: tf.Tensor) -> bool:
        """Whether `_same_convolution` is meant for it: measured in float32, on maps, on a CPU."""
        spatial = max(self.strides) == 1 and max(self.kernel_size) > 1
        on_maps = inputs.dtype == tf.float32 and inputs.shape[-1] > _IMAGE_CHANNELS
        return spatial and on_maps and not tf.config.list_logical_devices("GPU")

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves `inputs` with `kernel`; Keras calls it from `call`."""
        if max(self.strides) == 1:
            return tf.nn.conv2d(inputs, kernel, strides=1, padding="SAME")
        strides = list(self.strides)
        if max(self.kernel_size) > 1:
            rows, columns = (fixed_pads(size) for size in self.kernel_size)
            pads = [[0, 0], list(rows), list(columns), [0, 0]]
            if inputs.shape[-1] > _IMAGE_CHANNELS:
                return tf.nn.conv2d(inputs, kernel, strides, pads)
            inputs = tf.pad(inputs, pads)
        return tf.nn.conv2d(inputs, kernel, strides, "VALID")

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns [N, ceil(H / strides), ceil(W / strides), filters]."""
        return _strided_shape(input_shape, self.strides, self.filters)


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FixedPaddingDepthwiseConv2D(tf.keras.layers.DepthwiseConv2D):
    """Convolution of each channel by itself; strided, it pads by the size of its kernel.

    Input [N, H, W, C], output [N, ceil(H / strides), ceil(W / strides), C]. Stride 1 is SAME. The
    kernel starts as a truncated normal of variance 1 / kernel_size**2, which is its true fan-in.
    """

    def __init__(self, kernel_size: int | tuple[int, int], strides: Any = 1, **kwargs: Any) -> None:
        """Makes the layer from arguments of `tf.keras.layers.DepthwiseConv2D`; no bias by default.

        Raises:
            ValueError: Padding, data format, dilation, depth multiplier or activation are given
                and are not the layer's.
        """
        side = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
        kwargs.setdefault("use_bias", False)
        kwargs.setdefault(
            # The truncation at two deviations takes 12 % off the deviation.
            "depthwise_initializer",
            tf.keras.initializers.TruncatedNormal(stddev=1 / side / 0.88),
        )
        kwargs = fixed_arguments(
            self,
            kwargs,
            padding=_keras_padding(strides),
            data_format="channels_last",
            dilation_rate=(1, 1),
            depth_multiplier=1,
            activation="linear",
        )
        super().__init__(kernel_size, strides, **kwargs)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Convolves `inputs`."""
        kernel = tf.cast(self.depthwise_kernel, inputs.dtype)
        strides = [1, *self.strides, 1]
        padding = "SAME" if max(self.strides) == 1 else "VALID"
        if padding == "VALID":
            rows, columns = (fixed_pads(size) for size in self.kernel_size)
            inputs = tf.pad(inputs, [[0, 0], rows, columns, [0, 0]])
        outputs = tf.nn.depthwise_conv2d(inputs, kernel, strides, padding)
        return tf.nn.bias_add(outputs, self.bias) if self.use_bias else outputs

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns [N, ceil(H / strides), ceil(W / strides), C]."""
        return _strided_shape(input_shape, self.strides, tf.TensorShape(input_shape)[-1])


def convolution(
    filters: int, kernel_size: int, strides: int = 1, use_bias: bool = False, **kwargs: Any
) -> FixedPaddingConv2D:
    """Makes the convolution that every block uses; it has a bias where it does a batch norm's work.

    Its kernel starts as a truncated normal of variance 1 / fan-in.
    """
    kwargs["kernel_initializer"] = tf.keras.initializers.VarianceScaling(mode="fan_in")
    return FixedPaddingConv2D(filters, kernel_size, strides, use_bias=use_bias, **kwargs)


def _keras_padding(strides: Any) -> str:
    """What Keras is told about the padding; "valid" stands for pads that the layer makes itself."""
    largest = strides if isinstance(strides, int) else max(strides)
    return "same" if largest == 1 else "valid"


def _strided_shape(input_shape: Any, strides: tuple[int, int], channels: int) -> tf.TensorShape:
    """[N, ceil(H / strides), ceil(W / strides), channels]; unknown sizes stay unknown."""
    batch, *sides, _ = tf.TensorShape(input_shape).as_list()
    sides = [
        None if side is None else -(-side // stride)
        for side, stride in zip(sides, strides, strict=True)
    ]
    return tf.TensorShape([batch, *sides, channels])
