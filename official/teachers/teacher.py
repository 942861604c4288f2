"""A network that teaches: what it wants to see, and what it says in the student's classes."""

import dataclasses
from collections.abc import Callable, Sequence

import tensorflow as tf

from official.run import class_names
from official.run.errors import RunError
from preprocessing import PreprocessingConfig


@dataclasses.dataclass(frozen=True)
class Teacher:
    """A network with trained weights.

    Attributes:
      name: What the user calls it.
      preprocessing: How its images are prepared: `preprocessing.eval_image` makes them.
      network: From prepared images, float32 [N, S, S, 3], to logits, float32 [N, C].
      num_classes: C.
      class_names: C names; empty where nobody knows them.
      digest: Of its weights, or of the files that hold them.
    """

    name: str
    preprocessing: PreprocessingConfig
    network: Callable[[tf.Tensor], tf.Tensor]
    num_classes: int
    class_names: tuple[str, ...] = ()
    digest: str = ""

    def prepare(self, pixels: tf.Tensor) -> tf.Tensor:
        """Returns what the network wants to see of grey levels in 0 to 255.

        float32 [N, H, W, 3] of any size, which is resized, to float32 [N, S, S, 3].
        """
        size = self.preprocessing.eval_size
        if pixels.shape[1:3] != (size, size):
            pixels = tf.image.resize(pixels, (size, size), antialias=True)
        if self.preprocessing.family == "inception":
            return pixels / 255.0
        return pixels - tf.constant(self.preprocessing.channel_means, tf.float32)

    def columns(
        self, names: Sequence[str], num_classes: int, label_offset: int = 0
    ) -> tuple[int, ...]:
        """Returns for each class of a student the teacher's class; -1: the teacher has none.

        By names, where both have any. Else by number: a background class at 0 that only one of them
        has is left out or has none.

        Args:
          names: of the student's classes; empty where nobody knows them.
          num_classes: how many there are.
          label_offset: what the number of a class is greater by with the teacher; 0: as the two
            numbers of classes say.

        Raises:
          RunError: other classes; the message says what differs.
        """
        if names and self.class_names and not label_offset:
            found = class_names.match(self.class_names, names)
            if found is None:
                raise RunError(
                    f"the teacher {self.name} knows other classes than the data: "
                    f"{_differences(self.class_names, names)}. Its logits would mean other "
                    "classes; where only the names differ, give labels.txt those of the teacher."
                )
            return found
        offset = label_offset or self.num_classes - num_classes
        found = tuple(number + offset for number in range(num_classes))
        beside = [place for place in found if not 0 <= place < self.num_classes]
        if beside not in ([], [-1]) or abs(offset) > 1:
            given = f" (--teacher_label_offset={label_offset})" if label_offset else ""
            raise RunError(
                f"the teacher {self.name} has {self.num_classes} classes, the data "
                f"{num_classes}{given}; they must be the same, but for a background class at 0 "
                "that only one of them has."
            )
        return found


def in_columns(logits: tf.Tensor, columns: Sequence[int]) -> tf.Tensor:
    """Returns a teacher's logits, float32 [N, C], in the classes of a student; see `columns`.

    A class that the teacher has not is as unlikely as the least likely one of the others.
    """
    if list(columns) == list(range(logits.shape[-1])):
        return logits
    least = tf.reduce_min(tf.gather(logits, [n for n in columns if n >= 0], axis=-1), axis=-1)
    wide = tf.concat([logits, least[:, tf.newaxis]], axis=-1)
    last = logits.shape[-1]
    return tf.gather(wide, [last if place < 0 else place for place in columns], axis=-1)


def _differences(teacher: Sequence[str], data: Sequence[str]) -> str:
    """Returns which classes of the data the teacher does not know."""
    text = class_names.differences(teacher, data)
    return text.replace("in the run", "with the teacher")
