"""The words that the fields of a `RecipeConfig` may hold."""

DTYPES = {"fp32": "float32", "fp16": "mixed_float16", "bf16": "mixed_bfloat16"}
LOSS_TYPES = ("softmax", "sigmoid")
BALANCED = "balanced"
DECAY_TYPES = (
    "fixed", "exponential", "polynomial", "piecewise", "cosine", "one_cycle", "plateau",
)  # fmt: skip
OPTIMIZERS = ("momentum", "adam", "adamw", "lars")
# What a teacher of another program does to red, green and blue in 0 to 255: nothing; or as
# `tf.keras.applications` calls it: means subtracted, channels swapped (caffe); -1 to 1 (tf);
# ImageNet's mean and deviation (torch). Empty: it says so itself.
NORMALIZATIONS = ("", "raw", "caffe", "tf", "torch")
WEIGHT_DECAY_TYPES = ("", "l2", "decoupled")
# Scores of an epoch that something may wait for: those of the validation, and of the training.
SCORES = (
    "top1", "top5", "cross_entropy", "ece",
    "train/loss", "train/top1", "train/cross_entropy", "train/cross_entropy_kd",
)  # fmt: skip
# What `freeze` may name besides the groups of a network.
BACKBONE, BATCH_NORM = "backbone", "batch_norm"
