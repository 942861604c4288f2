"""Shows a data set as training sees it, or the learning rate of a recipe.

    python -m official.show --data_dir DIR [--output_dir DIR] [preprocessing flags]
    python -m official.show schedule [--data_dir DIR | --num_images N] [recipe flags]

The first saves samples.png and distributions.png; `python -m datasets.show DIR` does the same
without training's view. `schedule` trains nothing: it prints learning rate, momentum and
DropBlock's keep probability, and saves schedule.png. With --model_dir they are those of a run.
"""

import dataclasses
import os

import numpy as np
import tensorflow as tf
from absl import flags

import preprocessing
from datasets import catalog
from datasets.inspection import show
from official.command import configs, program
from official.command import flags as run_flags
from official.input.splits import find_split
from official.run import configuration, files, ownership
from official.run.errors import RunError, refusals
from official.run.recipe import RecipeConfig
from official.train import schedule_sheet
from preprocessing import PreprocessingConfig

FLAGS = flags.FLAGS
_SCHEDULE = "schedule"
_PICTURE = "schedule.png"


def make_view(config: PreprocessingConfig, seed: int = 0) -> show.View:
    """Returns what draws an image as the training pipeline of `config` makes it.

    The n-th view of an image is what epoch n of a run with that `seed` would see.
    """

    def view(encoded: bytes, boxes: np.ndarray, index: int, number: int) -> np.ndarray:
        example_seed = preprocessing.example_seed(seed, number, index)
        image = preprocessing.train_image(
            tf.constant(encoded), tf.constant(boxes, tf.float32), example_seed, config
        )
        return preprocessing.pixels_of(image, config).numpy()

    return view


def main(words: list[str]) -> None:
    """Draws and says where."""
    if words == [_SCHEDULE]:
        show_schedule()
        return
    if words:
        raise RunError(
            f"unexpected arguments: {' '.join(words)}; `{_SCHEDULE}` is what can stand there."
        )
    if not FLAGS.data_dir:
        raise RunError(
            "--data_dir must be given: the folder of the TFRecords. (`python -m official.show "
            f"{_SCHEDULE}` shows a learning rate without.)"
        )
    with refusals():
        config = configs.preprocessing_config()
    paths = show.show(
        FLAGS.data_dir,
        FLAGS.output_dir or FLAGS.data_dir,
        view=make_view(config, FLAGS.seed),
        split=FLAGS.split,
        num_samples=FLAGS.num_samples,
        num_views=FLAGS.num_views,
        seed=FLAGS.seed,
    )
    print("\n".join(paths))


def show_schedule() -> None:
    """Prints the numbers of the schedules, and saves their curves."""
    recipe, num_images = _recipe()
    if recipe.total_steps(num_images) < 1:
        raise RunError(
            f"{num_images} images in batches of {recipe.batch_size} are not one step in "
            f"--train_epochs={recipe.train_epochs}."
        )
    print(schedule_sheet.text(recipe, num_images))
    path = os.path.join(FLAGS.output_dir, _PICTURE)
    files.write_bytes(path, schedule_sheet.picture(recipe, num_images))
    print(path)


def _recipe() -> tuple[RecipeConfig, int]:
    """Returns the recipe of the flags, or of the run in MODEL_DIR, and its number of images."""
    if FLAGS.model_dir and ownership.is_run(FLAGS.model_dir):
        config = configuration.load(FLAGS.model_dir)
        with refusals():
            recipe = dataclasses.replace(config.recipe, **configs.given_recipe_fields())
        return recipe, FLAGS.num_images or config.data.num_images
    with refusals():
        recipe = configs.recipe_config()
    if FLAGS.num_images:
        return recipe, FLAGS.num_images
    if FLAGS.data_dir:
        split = find_split(FLAGS.data_dir, FLAGS.train_regex, FLAGS.on_bad_record)
        return recipe, split.num_examples
    if FLAGS.dataset_name:
        return recipe, catalog.get(FLAGS.dataset_name).num_train_images
    raise RunError(
        "the number of training images is unknown: give --num_images, --dataset_name, --data_dir, "
        "or the --model_dir of a run."
    )


def define_flags() -> None:
    """Defines the flags of this command."""
    run_flags.define_training_flags()
    flags.DEFINE_string(
        "output_dir", "", "Where pictures go; default: beside the shards, or for a schedule here."
    )
    flags.DEFINE_enum("split", "train", ["train", "validation", "test"], "Whose samples are shown.")
    flags.DEFINE_integer("num_samples", 12, "Samples.", lower_bound=1)
    flags.DEFINE_integer("num_views", 3, "Views of each sample.", lower_bound=1)
    flags.DEFINE_integer("num_images", 0, "Training images of a schedule.", lower_bound=0)
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, words=True)
