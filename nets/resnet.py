"""The assembly: from a `ModelConfig` to a Keras model.

Lee et al., "Compounding the Performance Improvements of Assembled Techniques in a Convolutional
Neural Network" (arXiv:2001.06268), section 3; the depths are in `nets.depths`.
"""

from __future__ import annotations

import tensorflow as tf

from nets import big_little, mobilenet, resnet_d
from nets.builder import LayerBuilder
from nets.config import ModelConfig
from nets.layers.conv_norm import batch_norm, convolution
from nets.layers.drop_block import CONTROL_NAME, DropBlockControl
from nets.layers.pooling import FlattenPooling, GeneralizedMeanPooling, GlobalMeanPooling
from nets.residual import plain_shortcut, stage
from nets.variable_names import root_of


def build_model(
    config: ModelConfig, input_shape: tuple[int | None, int | None, int] = (None, None, 3)
) -> tf.keras.Model:
    """Builds the network that a configuration describes.

    Features can be taken at `model.get_layer(name).output` with the names `initial_conv`,
    `initial_pool` (ResNets), `stage1` to `stage4` (Big-Little also `stage1.big`, `stage1.little`,
    ...), `global_pool` and `embedding`; `nets.endpoints(model)` gives all of them.

    Args:
        config: What to build.
        input_shape: Height, width (None: any) and channels of the pictures.

    Returns:
        A model from pictures [N, H, W, 3], mean-subtracted, to float32 logits [N, num_classes].
        It follows the global `tf.keras.mixed_precision` policy; softmaxes, batch statistics,
        pooling and the classifier stay float32.

    Raises:
        ValueError: `pool_type="flatten"` without a fixed input shape.
    """
    images = tf.keras.Input(input_shape, name="images")
    build = LayerBuilder(config, control=_drop_block_control(config, images))
    x = features(images, build)
    logits = classify(embed(x, config), config)
    return tf.keras.Model(images, logits, name=root_of(config.architecture))


def features(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The network without its head: pictures [N, H, W, 3] to the output of stage 4."""
    if build.config.architecture == "mobilenet_v1":
        return mobilenet.features(images, build)
    x = _stem(images, build)
    for index in range(4):
        x = _stage(x, index, build.stage(index))
        x = build.named(x, f"stage{index + 1}")
    return x


def _drop_block_control(
    config: ModelConfig, images: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor] | None:
    """Keep probability and seed for all DropBlock layers, or None where there are none."""
    if not config.use_dropblock:
        return None
    return DropBlockControl(config.seed, name=CONTROL_NAME)(images)


def _stem(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The convolution of stride 2 and the pool of stride 2: [N, H/4, W/4, num_filters]."""
    if build.config.big_little:
        x = _first_conv(images, build.scope("stage0"))
        # TensorFlow 1 opened the scope anew for the batch norm, which made it `stage0_1`.
        again = build.scope("stage0")
        x = again.relu(again.norm(x))
        x = big_little.stem_pool(x, build.scope("stage0.pool"))
    else:
        x = _first_conv(images, build)
        x = build.relu(build.norm(x))
        x = build.max_pool(x)
    return build.named(x, "initial_pool")


def _first_conv(images: tf.Tensor, build: LayerBuilder) -> tf.Tensor:
    """The convolution of stride 2, or the three that stand for it; its batch norm is to follow."""
    if build.config.deep_stem:
        x = resnet_d.deep_stem(images, build)
    else:
        x = build.conv(images, build.config.num_filters, 7, strides=2)
    return build.named(x, "initial_conv")


def _stage(x: tf.Tensor, index: int, build: LayerBuilder) -> tf.Tensor:
    """Stage `index` (0 to 3) of the network."""
    config = build.config
    filters = config.num_filters * 2**index
    blocks = config.blocks[index]
    strides = config.strides[index]
    if not config.big_little:
        shortcut = resnet_d.average_shortcut if config.use_resnet_d else plain_shortcut
        return stage(x, filters, blocks, strides, build, shortcut)
    build = build.scope(f"stage{index + 1}")
    if index < 3:
        return big_little.two_branch_stage(x, filters, blocks, strides, index + 1, build)
    two_by_two = config.use_resnet_d
    shortcut = resnet_d.average_shortcut if two_by_two else big_little.average_shortcut
    return stage(x, filters, blocks, strides, build, shortcut)


def _pool(config: ModelConfig) -> tf.keras.layers.Layer:
    """The layer that makes one vector of a map."""
    if config.pool_type == "gem":
        return GeneralizedMeanPooling(config.gem_power, config.gem_learnable, name="global_pool")
    kind = FlattenPooling if config.pool_type == "flatten" else GlobalMeanPooling
    return kind(name="global_pool")


def embed(x: tf.Tensor, config: ModelConfig) -> tf.Tensor:
    """Pools the last map and embeds it if wanted.

    Args:
        x: Output of stage 4, [N, H, W, C].
        config: Pooling, embedding and the batch-norm settings count.

    Returns:
        float32 [N, D], output of the layer `embedding`.
    """
    x = _pool(config)(x)
    if config.embedding_size:
        x = tf.keras.layers.Reshape((1, 1, x.shape[-1]), name="embedding_map")(x)
        x = convolution(config.embedding_size, 1, name="embedding_dense", dtype="float32")(x)
        if config.embedding_batch_norm:
            x = batch_norm(
                config.bn_momentum,
                config.bn_epsilon,
                name="embedding_dense_batch_normalization",
                dtype="float32",
            )(x)
        x = tf.keras.layers.Reshape((config.embedding_size,), name="embedding_vector")(x)
    return tf.keras.layers.Activation("linear", name="embedding", dtype="float32")(x)


def classify(features: tf.Tensor, config: ModelConfig) -> tf.Tensor:
    """The last dense layer, behind a ReLU where there is an embedding layer.

    Args:
        features: float32 [N, D].
        config: `num_classes`, `embedding_size` and `final_bias` count.

    Returns:
        Logits, float32 [N, num_classes].
    """
    if config.embedding_size:
        features = tf.keras.layers.ReLU(name="embedding_relu", dtype="float32")(features)
    return tf.keras.layers.Dense(
        config.num_classes,
        bias_initializer=tf.keras.initializers.Constant(config.final_bias),
        dtype="float32",
        name="dense",
    )(features)
