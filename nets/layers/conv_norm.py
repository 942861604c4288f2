"""Convolution and batch normalisation, written once, with the original's padding and initialisers.

Padding that depends on the kernel alone makes a strided convolution see the same pixels whatever
the size of the picture; TensorFlow's own SAME pads one side only at even sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

PACKAGE = "assembled_cnn"
# TensorFlow 1's fused batch norm never used less, on a CPU either; the original asked for 1e-5.
SMALLEST_EPSILON = 1.001e-5
_PICTURE_CHANNELS = 4


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
    """Square convolution without bias; strided, it pads by the kernel's size alone.

    Input [N, H, W, C], output [N, ceil(H / strides), ceil(W / strides), filters]. Stride 1 is
    SAME. A strided one pads `(k-1)//2` zeros before and `k//2` after. Maps are padded by the
    convolution, which saves a copy; pictures before it, because with few channels the gradient of
    a padding convolution takes up to 2.5 times as long on a CPU (docs/performance.md). A 1x1
    convolution is never given explicit pads, not even of 0: oneDNN has no gradient for them.
    """

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
        on_maps = inputs.dtype == tf.float32 and inputs.shape[-1] > _PICTURE_CHANNELS
        return spatial and on_maps and not tf.config.list_logical_devices("GPU")

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Convolves `inputs` with `kernel`; Keras calls it from `call`."""
        if max(self.strides) == 1:
            return tf.nn.conv2d(inputs, kernel, strides=1, padding="SAME")
        strides = list(self.strides)
        if max(self.kernel_size) > 1:
            rows, columns = (fixed_pads(size) for size in self.kernel_size)
            pads = [[0, 0], list(rows), list(columns), [0, 0]]
            if inputs.shape[-1] > _PICTURE_CHANNELS:
                return tf.nn.conv2d(inputs, kernel, strides, pads)
            inputs = tf.pad(inputs, pads)
        return tf.nn.conv2d(inputs, kernel, strides, "VALID")

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns [N, ceil(H / strides), ceil(W / strides), filters]."""
        batch, height, width, _ = tf.TensorShape(input_shape).as_list()
        rows = None if height is None else -(-height // self.strides[0])
        columns = None if width is None else -(-width // self.strides[1])
        return tf.TensorShape([batch, rows, columns, self.filters])


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FixedPaddingDepthwiseConv2D(tf.keras.layers.DepthwiseConv2D):
    """Convolution of each channel by itself, without bias; strided, it pads by the kernel's size.

    Input [N, H, W, C], output [N, ceil(H / strides), ceil(W / strides), C]. Stride 1 is SAME. The
    kernel starts as a truncated normal of variance 1 / kernel_size**2, which is its true fan-in.
    """

    def __init__(self, kernel_size: int | tuple[int, int], strides: Any = 1, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
            kernel_size: Side of the square kernel.
            strides: Stride of both axes.
            **kwargs: Of `tf.keras.layers.DepthwiseConv2D`.
        """
        side = kernel_size if isinstance(kernel_size, int) else kernel_size[0]
        kwargs.setdefault("use_bias", False)
        kwargs.setdefault(
            # The truncation at two deviations takes 12 % off the deviation.
            "depthwise_initializer",
            tf.keras.initializers.TruncatedNormal(stddev=1 / side / 0.88),
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
        batch, height, width, channels = tf.TensorShape(input_shape).as_list()
        rows = None if height is None else -(-height // self.strides[0])
        columns = None if width is None else -(-width // self.strides[1])
        return tf.TensorShape([batch, rows, columns, channels])


def convolution(
    filters: int, kernel_size: int, strides: int = 1, **kwargs: Any
) -> FixedPaddingConv2D:
    """Makes the convolution that every block uses.

    Args:
        filters: Output channels.
        kernel_size: Side of the square kernel.
        strides: Stride of both axes.
        **kwargs: `name`, `dtype`.

    Returns:
        A layer whose kernel starts as a truncated normal of variance 1 / fan-in.
    """
    # Keras' own word for "padded outside of Conv2D's knowledge"; convolution_op does the padding.
    padding = "same" if strides == 1 else "valid"
    return FixedPaddingConv2D(
        filters,
        kernel_size,
        strides=strides,
        padding=padding,
        use_bias=False,
        kernel_initializer=tf.keras.initializers.VarianceScaling(
            scale=1.0, mode="fan_in", distribution="truncated_normal"
        ),
        **kwargs,
    )


def batch_norm(
    momentum: float, epsilon: float, zero_gamma: bool = False, **kwargs: Any
) -> tf.keras.layers.BatchNormalization:
    """Makes the batch normalisation that every block uses.

    Statistics are float32 under any precision policy. The moving variance takes in the unbiased
    batch variance (N / (N - 1)).

    Args:
        momentum: Share of the old moving statistics that a step keeps.
        epsilon: Added to the variance; 1.001e-5 is used at least, as by the original.
        zero_gamma: The scale starts at 0 instead of 1.
        **kwargs: `name`, `dtype`.

    Returns:
        The layer, for [N, H, W, C].
    """
    return tf.keras.layers.BatchNormalization(
        momentum=momentum,
        epsilon=max(epsilon, SMALLEST_EPSILON),
        gamma_initializer="zeros" if zero_gamma else "ones",
        **kwargs,
    )


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class FixedPaddingAveragePooling2D(tf.keras.layers.Layer):
    """Average pooling whose padded zeros count in the mean when it is strided.

    Input [N, H, W, C], output [N, ceil(H / strides), ceil(W / strides), C]. Stride 1 is SAME,
    whose mean leaves the padding out. Costs pool_size**2 additions per output value.
    """

    def __init__(self, pool_size: int, strides: int, **kwargs: Any) -> None:
        """Makes the layer.

        Args:
            pool_size: Side of the window.
            strides: Stride of both axes.
            **kwargs: Of `tf.keras.layers.Layer`.
        """
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.strides = strides

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pools `inputs`."""
        if self.strides == 1:
            return tf.nn.avg_pool2d(inputs, self.pool_size, 1, "SAME")
        pads = [list(self._pads(size)) for size in inputs.shape[1:3]]
        if any(any(pad) for pad in pads):
            inputs = tf.pad(inputs, [[0, 0], *pads, [0, 0]])
        return tf.nn.avg_pool2d(inputs, self.pool_size, self.strides, "VALID")

    def _pads(self, size: int | None) -> tuple[int, int]:
        """Zeros around an axis, without those that no window reaches."""
        before, after = fixed_pads(self.pool_size)
        if size is not None:
            outputs = (size + before + after - self.pool_size) // self.strides
            after = max(0, outputs * self.strides + self.pool_size - before - size)
        return before, after

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
        }
