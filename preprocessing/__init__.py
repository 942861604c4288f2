"""Image and batch transformations for tf.data: pure functions."""

from preprocessing.aug_mix import augmix
from preprocessing.auto_augment import apply_operation, apply_policy, autoaugment
from preprocessing.config import PreprocessingConfig
from preprocessing.cut_mix import cutmix, sample_boxes
from preprocessing.evaluation_crops import ten_crop
from preprocessing.mixing import (
    MixingConfig,
    draw_mixing,
    mix,
    mixing_order,
    step_seed,
    to_input,
)
from preprocessing.mixup import mixup_type1, mixup_type2, sample_lambdas
from preprocessing.multi_scale import draw_size, resize_batch
from preprocessing.pipeline import (
    eval_image,
    ten_crop_image,
    train_image,
    train_pixels,
    whole_image,
)
from preprocessing.rand_augment import randaugment
from preprocessing.resize import (
    CHANNEL_MEANS,
    central_crop,
    resize_shorter_side,
    sides_for_shorter,
    subtract_mean,
    tf1_bilinear_resize,
)
from preprocessing.rotation import rotate
from preprocessing.seeds import example_seed, split_seed

__all__ = [
    "CHANNEL_MEANS",
    "MixingConfig",
    "PreprocessingConfig",
    "apply_operation",
    "apply_policy",
    "augmix",
    "autoaugment",
    "central_crop",
    "cutmix",
    "draw_mixing",
    "draw_size",
    "eval_image",
    "example_seed",
    "mix",
    "mixing_order",
    "mixup_type1",
    "mixup_type2",
    "randaugment",
    "resize_batch",
    "resize_shorter_side",
    "rotate",
    "sample_boxes",
    "sample_lambdas",
    "sides_for_shorter",
    "split_seed",
    "step_seed",
    "subtract_mean",
    "ten_crop",
    "ten_crop_image",
    "tf1_bilinear_resize",
    "to_input",
    "train_image",
    "train_pixels",
    "whole_image",
]
