"""Intermediate features of a model by name, for detection, retrieval or a look inside."""

from __future__ import annotations

import tensorflow as tf

NAMES = (
    "initial_conv",
    "initial_pool",
    *(f"stage{number}{branch}" for number in range(1, 5) for branch in (".big", ".little", "")),
    "global_pool",
    "embedding",
)


def endpoints(model: tf.keras.Model) -> tf.keras.Model:
    """Makes the model that gives the features at each stage; it shares the weights.

    Args:
        model: A model that `build_model` made, or a loaded copy of one.

    Returns:
        A functional model from images to a dictionary: `initial_conv` (before its batch norm),
        `initial_pool`, `stage1` to `stage4` (Big-Little also `stage1.big`, `stage1.little`, ...) as
        maps [N, H, W, C]; `global_pool`, `embedding` and `logits` as float32 [N, D]. Names that the
        network has not are left out.
    """
    layers = {layer.name: layer for layer in model.layers}
    outputs = {name: layers[name].output for name in NAMES if name in layers}
    if "dense" in layers:
        outputs["logits"] = layers["dense"].output
    return tf.keras.Model(model.input, outputs, name=model.name)
