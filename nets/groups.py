"""A network's layers in groups, from the image to the classes."""

from __future__ import annotations

import tensorflow as tf

_STEM_ENDS = ("initial_pool", "initial_conv")


def groups(network: tf.keras.Model) -> dict[str, list[tf.keras.layers.Layer]]:
    """Returns the layers of a network by group, in the order of the network.

    Args:
      network: What `build_model` made.

    Returns:
      `stem` (MobileNet: its first convolution), `stage1`, `stage2`, ... and `head` (pooling,
      embedding, classifier). Every layer is in exactly one of them: the first whose output it helps
      to make.
    """
    names = {layer.name for layer in network.layers}
    ends = {"stem": next((name for name in _STEM_ENDS if name in names), "")}
    while (stage := f"stage{len(ends)}") in names:
        ends[stage] = stage
    found: dict[str, list[tf.keras.layers.Layer]] = {}
    seen: set[str] = set()
    for group, end in ends.items():
        if not end:
            continue
        before = tf.keras.Model(network.input, network.get_layer(end).output).layers
        found[group] = [layer for layer in before if layer.name not in seen]
        seen.update(layer.name for layer in before)
    found["head"] = [layer for layer in network.layers if layer.name not in seen]
    return found
