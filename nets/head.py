"""The head of a network: pooling, an embedding if wanted, and the classifier; all in float32."""

from __future__ import annotations

import tensorflow as tf

from nets.config import ModelConfig
from nets.layers.batch_norm import batch_norm
from nets.layers.convolution import convolution
from nets.layers.cosine_classifier import CosineClassifier
from nets.layers.pooling import GeneralizedMeanPooling


def _pool(config: ModelConfig) -> tf.keras.layers.Layer:
    """The layer that makes one vector of a map; its result is float32."""
    if config.pool_type == "gem":
        return GeneralizedMeanPooling(config.gem_power, config.gem_learnable, name="global_pool")
    if config.pool_type == "flatten":
        return tf.keras.layers.Flatten(name="global_pool", dtype="float32")
    return tf.keras.layers.GlobalAveragePooling2D(name="global_pool", dtype="float32")


def embed(x: tf.Tensor, config: ModelConfig) -> tf.Tensor:
    """Pools the last map, [N, H, W, C], and embeds it if wanted: float32 [N, D].

    Raises:
        ValueError: `pool_type="flatten"` and a map whose size is not known.
    """
    if config.pool_type == "flatten" and None in x.shape[1:3]:
        raise ValueError(
            "pool_type='flatten' needs a fixed image size: give build_model an input_shape "
            f"such as (224, 224, 3); the map that arrives is {x.shape}"
        )
    x = _pool(config)(x)
    if config.embedding_size:
        x = tf.keras.layers.Reshape((1, 1, x.shape[-1]), name="embedding_map")(x)
        x = convolution(config.embedding_size, 1, name="embedding_dense", dtype="float32")(x)
        if config.embedding_batch_norm:
            name = "embedding_dense_batch_normalization"
            x = batch_norm(config.bn_momentum, config.bn_epsilon, name=name, dtype="float32")(x)
        x = tf.keras.layers.Reshape((config.embedding_size,), name="embedding_vector")(x)
    return tf.keras.layers.Activation("linear", name="embedding", dtype="float32")(x)


def classify(features: tf.Tensor, config: ModelConfig) -> tf.Tensor:
    """The last dense layer, behind a ReLU where there is an embedding layer, or cosines.

    float32 [N, D] to logits, float32 [N, num_classes].
    """
    if config.logit_type:
        # No ReLU: the directions are those that retrieval compares.
        layer = CosineClassifier(config.num_classes, config.arc_s, dtype="float32", name="dense")
        return layer(features)
    if config.embedding_size:
        features = tf.keras.layers.ReLU(name="embedding_relu", dtype="float32")(features)
    bias = tf.keras.initializers.Constant(config.final_bias)
    layer = tf.keras.layers.Dense(
        config.num_classes, bias_initializer=bias, dtype="float32", name="dense"
    )
    return layer(features)
