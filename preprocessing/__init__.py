"""Image and batch transformations for tf.data: pure functions."""

from preprocessing.auto_augment import apply_operation, apply_policy, autoaugment
from preprocessing.config import PreprocessingConfig
from preprocessing.mixup import mixup_type1, mixup_type2, sample_lambdas
from preprocessing.pipeline import eval_image, train_image
from preprocessing.resize import (
    CHANNEL_MEANS,
    central_crop,
    resize_shorter_side,
    sides_for_shorter,
    subtract_mean,
    tf1_bilinear_resize,
)
from preprocessing.seeds import example_seed, split_seed

__all__ = [
    "CHANNEL_MEANS",
    "PreprocessingConfig",
    "apply_operation",
    "apply_policy",
    "autoaugment",
    "central_crop",
    "eval_image",
    "example_seed",
    "mixup_type1",
    "mixup_type2",
    "resize_shorter_side",
    "sample_lambdas",
    "sides_for_shorter",
    "split_seed",
    "subtract_mean",
    "tf1_bilinear_resize",
    "train_image",
]
