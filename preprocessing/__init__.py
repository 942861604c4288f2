"""Image and batch transformations for tf.data: pure functions."""

from preprocessing.config import PreprocessingConfig
from preprocessing.crops.evaluation_crops import ten_crop
from preprocessing.crops.multi_scale import draw_size, resize_batch
from preprocessing.crops.resize import (
    CHANNEL_MEANS,
    central_crop,
    resize_shorter_side,
    sides_for_shorter,
    subtract_mean,
    tf1_bilinear_resize,
)
from preprocessing.mixing.batches import (
    MixingConfig,
    draw_mixing,
    mix,
    mixing_order,
    step_seed,
    to_input,
)
from preprocessing.mixing.cut_mix import cutmix, sample_boxes
from preprocessing.mixing.mixup import mixup_type1, mixup_type2, sample_lambdas
from preprocessing.operations.rotation import rotate
from preprocessing.pipeline import (
    eval_image,
    ten_crop_image,
    train_image,
    train_pixels,
    whole_image,
)
from preprocessing.policies.aug_mix import augmix
from preprocessing.policies.auto_augment import apply_operation, apply_policy, autoaugment
from preprocessing.policies.rand_augment import randaugment
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
