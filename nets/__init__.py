"""Keras layers and models: tensors in, tensors out."""

from nets.config import ModelConfig
from nets.drop_block import DropBlockControl
from nets.resnet import build_model
from nets.variable_names import original_variable_names

__all__ = [
    "DropBlockControl",
    "ModelConfig",
    "build_model",
    "original_variable_names",
]
