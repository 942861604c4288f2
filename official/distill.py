"""Writes TFRecords anew with a teacher's logits, from which a student learns.

    python -m official.distill --teacher=TEACHER --data_dir=DIR --output_dir=NEW

TEACHER is a MODEL_DIR (or a checkpoint in it), a SavedModel, keras:NAME of tf.keras.applications
such as keras:EfficientNetB7, or a network by its name with --teacher_weights. It sees the images
as it wants them: its own size, crop and normalisation. Its top-1 is printed as a check.

Then: python -m official.train --data_dir=NEW --kd_temp=1 ...

Started again it goes on with the shards that are missing. `official.train --teacher=TEACHER` needs
no such records: the teacher runs along, and sees the student's very pixels.
"""

import shlex
import sys

from absl import flags

from official import teachers
from official.command import flags as run_flags
from official.command import program
from official.run import devices, ownership, paths
from official.run.classes import count_classes, names_of
from official.run.configuration import DataConfig
from official.run.errors import refusals
from official.teachers import records

FLAGS = flags.FLAGS


def main() -> None:
    """Writes the shards, and prints how good the teacher is."""
    data_dir, output_dir = paths.absolute(FLAGS.data_dir), paths.absolute(FLAGS.output_dir)
    ownership.require_apart("output_dir", output_dir, removed=False, data_dir=data_dir)
    offset = FLAGS.label_offset
    with refusals():
        classes = count_classes(data_dir, FLAGS.dataset_name or "", FLAGS.num_classes, offset)
        data = DataConfig(data_dir, num_classes=classes, label_offset=offset)
    devices.use_what_is_granted()
    strategy = devices.strategy(FLAGS.num_gpus)
    with strategy.scope():
        teacher = teachers.load(
            FLAGS.teacher,
            FLAGS.teacher_weights,
            FLAGS.teacher_image_size,
            FLAGS.teacher_normalization,
        )
    names = names_of(data_dir, offset)
    columns = teacher.columns(names, classes, FLAGS.teacher_label_offset)
    print(
        f"teacher {teacher.name}: {teacher.num_classes} classes, "
        f"{teacher.preprocessing.eval_size} pixels, {devices.describe_devices(strategy)}",
        file=sys.stderr,
    )
    scores = records.write(teacher, data, output_dir, columns, strategy, FLAGS.batch_size)
    for split, score in scores.items():
        print(f"{split}: the teacher's top-1 is {100 * score:.2f} %")
    print(
        f"now: official.train --data_dir={shlex.quote(output_dir)} --kd_temp=1"
        + (f" --label_offset={offset}" if offset else "")
    )


def define_flags() -> None:
    """Defines the flags of this command."""
    run_flags.define_data_flags("data_dir", "dataset_name", "num_classes", "label_offset")
    run_flags.define_recipe_flags(
        "teacher",
        "teacher_weights",
        "teacher_image_size",
        "teacher_normalization",
        "teacher_label_offset",
    )
    run_flags.define_run_flags("num_gpus")
    flags.DEFINE_string("output_dir", "", "Where the new records go, a folder of their own.")
    flags.DEFINE_integer("batch_size", 64, "Images in a batch, over all devices.", lower_bound=1)
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("teacher", "data_dir", "output_dir"))
