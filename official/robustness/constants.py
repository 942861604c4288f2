"""What AlexNet gets wrong, by which the scores of robustness are divided.

The errors of the first fifteen are those that were published with AugMix, with six digits; those of
the last four and the flip probabilities are what the original implementation has.
(Hendrycks & Dietterich, 1903.12261)
"""

from preprocessing.corruptions.parameters import EXTRA, STANDARD
from preprocessing.corruptions.perturbations import PERTURBATIONS, PERTURBATIONS_EXTRA

__all__ = [
    "ALEXNET_ERROR", "ALEXNET_FLIP", "EXTRA", "PERTURBATIONS", "PERTURBATIONS_EXTRA", "STANDARD",
]  # fmt: skip

# Share of wrong answers, the mean over the five severities of ImageNet-C.
ALEXNET_ERROR = {
    "gaussian_noise": 0.886428, "shot_noise": 0.894468, "impulse_noise": 0.92264,
    "defocus_blur": 0.81988, "glass_blur": 0.826268, "motion_blur": 0.785948,
    "zoom_blur": 0.79836, "snow": 0.866816, "frost": 0.826572, "fog": 0.819324,
    "brightness": 0.564592, "contrast": 0.853204, "elastic_transform": 0.646056,
    "pixelate": 0.71784, "jpeg_compression": 0.6065, "speckle_noise": 0.8454,
    "gaussian_blur": 0.7871, "spatter": 0.7175, "saturate": 0.6583,
}  # fmt: skip

# Share of frames of which the answer is another than that of the frame before.
ALEXNET_FLIP = {
    "gaussian_noise": 0.23653, "shot_noise": 0.30062, "motion_blur": 0.09297, "zoom_blur": 0.05942,
    "snow": 0.11928, "brightness": 0.04889, "translate": 0.11007, "rotate": 0.13104,
    "tilt": 0.0705, "scale": 0.23531, "spatter": 0.05053, "speckle_noise": 0.18649,
    "gaussian_blur": 0.02775, "shear": 0.10658,
}  # fmt: skip
