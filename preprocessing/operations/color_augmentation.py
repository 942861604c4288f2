"""AlexNet's colour augmentation: each picture is moved along the principal components of RGB.

Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks" (NeurIPS 2012),
section 4.1; He et al. call it the standard colour augmentation (arXiv:1512.03385, section 3.4).
"""

import tensorflow as tf

from preprocessing import seeds

# Of the pixels of ImageNet's training pictures in units of 0 to 1, as ResNet's authors and others
# publish them: the eigenvalues of the covariance, and by row what each component does to red,
# green and blue.
EIGENVALUES = (0.2175, 0.0188, 0.0045)
COMPONENTS = (
    (-0.5675, -0.5808, -0.5836),
    (0.7192, -0.0045, -0.6948),
    (0.4009, -0.8140, 0.4203),
)


def shift_colors(image: tf.Tensor, strengths: tf.Tensor) -> tf.Tensor:
    """Adds the components, each times its eigenvalue and its strength, to every pixel.

    Args:
        image: float32 [H, W, 3], grey levels of 0 to 255; the result may leave that range.
        strengths: float32 [3].
    """
    weights = strengths * tf.constant(EIGENVALUES)
    return image + 255.0 * tf.linalg.matvec(tf.constant(COMPONENTS), weights, transpose_a=True)


def augment_colors(image: tf.Tensor, seed: tf.Tensor, deviation: float) -> tf.Tensor:
    """Does so with normal strengths of that deviation, 0.1 in AlexNet; `seed` has shape [2]."""
    (own,) = seeds.split_seed(seeds.other_seed(seed), 1)
    strengths = tf.random.stateless_normal([3], own, 0.0, deviation, alg=seeds.ALGORITHM)
    return shift_colors(image, strengths)
