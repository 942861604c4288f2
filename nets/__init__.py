"""Keras layers and models: tensors in, tensors out."""

from nets.complexity import multiply_adds, parameters
from nets.config import ModelConfig
from nets.counting import Cost, Part, cost, parts, variable_shapes
from nets.endpoints import endpoints
from nets.folding import fold_batch_norm
from nets.layers.drop_block import DropBlock, DropBlockControl
from nets.registry import NAMED_MODELS, Variant, named_config
from nets.resnet import build_model
from nets.variable_names import original_variable_names

__all__ = [
    "Cost",
    "DropBlock",
    "DropBlockControl",
    "ModelConfig",
    "NAMED_MODELS",
    "Part",
    "Variant",
    "build_model",
    "cost",
    "endpoints",
    "fold_batch_norm",
    "multiply_adds",
    "named_config",
    "original_variable_names",
    "parameters",
    "parts",
    "variable_shapes",
]
