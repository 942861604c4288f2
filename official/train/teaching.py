"""A teacher that runs along with the training: it sees the student's very pixels."""

from collections.abc import Callable

import tensorflow as tf

from official import teachers
from official.run.configuration import RunConfig
from official.teachers.teacher import in_columns


def beside(config: RunConfig, half: bool = False) -> Callable[[tf.Tensor], tf.Tensor] | None:
    """Returns what the recipe's teacher says of a batch; None where it has none that runs along.

    Call it inside the strategy's scope. With `half` the teacher computes in float16, but for a
    SavedModel. The images are as the student sees them, cropped, augmented and mixed; only size and
    normalisation are the teacher's.

    Returns:
      A function of the student's input, float32 [N, H, W, 3], to probabilities at the temperature
      `kd_temp` in the student's classes, float32 [N, C].

    Raises:
      RunError: no such teacher, or one of other classes.
    """
    recipe, data, prepared = config.recipe, config.data, config.preprocessing
    if not recipe.teacher:
        return None
    teacher = teachers.load(
        recipe.teacher,
        recipe.teacher_weights,
        recipe.teacher_image_size,
        recipe.teacher_normalization,
        "fp16" if half else "fp32",
    )
    columns = teacher.columns(data.class_names, data.num_classes, recipe.teacher_label_offset)
    means = tf.constant(prepared.channel_means, tf.float32)

    def says(images: tf.Tensor) -> tf.Tensor:
        images = tf.cast(images, tf.float32)
        pixels = images * 255.0 if prepared.family == "inception" else images + means
        logits = teacher.network(teacher.prepare(pixels))
        return tf.nn.softmax(in_columns(logits, columns) / recipe.kd_temp)

    return says
