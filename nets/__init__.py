"""Keras layers and models: tensors in, tensors out.

    import nets

    network = nets.assemble_resnet50(classes=5, input_shape=(224, 224, 3))
    x = nets.preprocess_input(images)

Every name of `nets.NAMED_MODELS` is a function that builds that network.
"""

import tensorflow_start  # noqa: F401 (before TensorFlow)
from nets import applications
from nets.applications import load_model, preprocess_input
from nets.config import ModelConfig
from nets.counting import Cost, Part, cost, parts, variable_shapes
from nets.folding import fold_batch_norm
from nets.layers.drop_block import DropBlock, DropBlockControl
from nets.network import Network, build_model, endpoints
from nets.registry import NAMED_MODELS, Variant, named_config
from nets.variable_names import original_variable_names

globals().update(applications.FUNCTIONS)

__all__ = [
    "Cost",
    "DropBlock",
    "DropBlockControl",
    "ModelConfig",
    "NAMED_MODELS",
    "Network",
    "Part",
    "Variant",
    "build_model",
    "cost",
    "endpoints",
    "fold_batch_norm",
    "load_model",
    "named_config",
    "original_variable_names",
    "parts",
    "preprocess_input",
    "variable_shapes",
    *applications.FUNCTIONS,
]
