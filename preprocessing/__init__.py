"""Image and batch transformations for tf.data: pure functions."""

import tensorflow_start  # noqa: F401 (before TensorFlow)
from preprocessing.config import PreprocessingConfig
from preprocessing.corruptions.corrupt import corrupt
from preprocessing.corruptions.parameters import NAMES as CORRUPTIONS
from preprocessing.corruptions.perturbations import perturb
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
    pixels_to_input,
    stored_image,
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
    "perturb",
    "pixels_of",
    "pixels_to_input",
    "resize_batch",
    "step_seed",
    "stored_image",
    "ten_crop_image",
    "to_input",
    "train_image",
    "train_pixels",
    "train_views",
    "whole_image",
]
