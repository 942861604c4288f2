"""The networks whose ImageNet weights others publish: what they are made of, how they see images.

Keras' applications, torchvision and timm have ResNets that differ from the original's in where a
stride or a pad sits. `official.import_checkpoint` reads their weights into these. torchvision's are
those of timm of the same name; which weights exist, and how they were trained, is not said here.
"""

from __future__ import annotations

from typing import Any

# Red, green, blue, in units of 0 to 255. Keras has the means of Caffe's models to more digits than
# the original; torchvision and timm say 0.485, 0.456 and 0.406 of 255.
KERAS_MEANS = (123.68, 116.779, 103.939)
TORCH_MEANS = (123.675, 116.28, 103.53)

# The stride of a bottleneck sits on the first 1x1; the max-pool is padded on every side.
KERAS = {"use_resnet_b": False, "max_pool_padding": "symmetric"}
TIMM = {"max_pool_padding": "symmetric"}
_D = {"use_resnet_d": True, "shortcut_pool": "strided"}
_BLUR = {"anti_alias_type": "max,sconv", "anti_alias_filter_size": 3}

KERAS_INPUT: dict[str, Any] = {"channel_means": KERAS_MEANS, "interpolation": "bilinear"}
# What torchvision's first weights are evaluated with.
TORCH_INPUT: dict[str, Any] = {"channel_means": TORCH_MEANS, "interpolation": "bilinear"}
_BICUBIC = {"channel_means": TORCH_MEANS, "interpolation": "bicubic"}
_WIDE_CROP = {**_BICUBIC, "crop_share": 0.95}
_AT_256 = {"image_size": 256, "train_image_size": 256, "preprocessing_type": "imagenet_256"}

# Names as timm has them -> fields of `ModelConfig`, and of `Variant`: timm's own settings.
_TIMM_NETWORKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "resnet18": ({"resnet_size": 18}, _WIDE_CROP),
    "resnet34": ({"resnet_size": 34}, _WIDE_CROP),
    "resnet50": ({"resnet_size": 50}, _WIDE_CROP),
    "resnet101": ({"resnet_size": 101}, _WIDE_CROP),
    "resnet152": ({"resnet_size": 152}, _WIDE_CROP),
    "resnet50d": ({"resnet_size": 50, **_D}, _BICUBIC),
    "resnet101d": ({"resnet_size": 101, **_D}, {**_WIDE_CROP, **_AT_256}),
    "resnet152d": ({"resnet_size": 152, **_D}, {**_WIDE_CROP, **_AT_256}),
    "resnet200d": ({"resnet_size": 200, **_D}, {**_WIDE_CROP, **_AT_256}),
    "seresnet50": ({"use_se_block": True, "se_bias": True}, _WIDE_CROP),
    "ecaresnet50d": ({"use_eca_block": True, **_D}, _BICUBIC),
    "resnetblur50": (_BLUR, _BICUBIC),
}

# Name here -> fields of `ModelConfig`, and of `Variant`.
PUBLISHED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{
        f"resnet{size}_keras": ({**KERAS, "resnet_size": size, "num_classes": 1000}, KERAS_INPUT)
        for size in (50, 101, 152)
    },
    **{
        f"{name}_timm": ({**TIMM, **fields, "num_classes": 1000}, settings)
        for name, (fields, settings) in _TIMM_NETWORKS.items()
    },
}
