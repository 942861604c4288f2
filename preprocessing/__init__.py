"""Image and batch transformations for tf.data: pure functions."""

import tensorflow_start  # noqa: F401 (before TensorFlow)
from preprocessing.config import PreprocessingConfig
from preprocessing.corruptions.corrupt import corrupt
from preprocessing.corruptions.parameters import NAMES as CORRUPTIONS
from preprocessing.crops.multi_scale import draw_size, resize_batch
from preprocessing.crops.resize import CHANNEL_MEANS
from preprocessing.mixing.batches import (
    MixingConfig,
    draw_mixing,
    mix,
    mixing_order,
    step_seed,
    to_input,
)
from preprocessing.pipeline import (
    eval_image,
    pixels_of,
    ten_crop_image,
    train_image,
    train_pixels,
    train_views,
    whole_image,
)
from preprocessing.seeds import example_seed

__all__ = [
    "CHANNEL_MEANS",
    "CORRUPTIONS",
    "MixingConfig",
    "PreprocessingConfig",
    "corrupt",
    "draw_mixing",
    "draw_size",
    "eval_image",
    "example_seed",
    "mix",
    "mixing_order",
    "pixels_of",
    "resize_batch",
    "step_seed",
    "ten_crop_image",
    "to_input",
    "train_image",
    "train_pixels",
    "train_views",
    "whole_image",
]
