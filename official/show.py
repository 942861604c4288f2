"""Shows a data set as it is and as training with these flags sees it.

    python -m official.show --data_dir DIR [--output_dir DIR] [preprocessing flags]

Saves samples.png and distributions.png. `python -m datasets.show DIR` does the same without
training's view.
"""

import numpy as np
import tensorflow as tf
from absl import flags

import preprocessing
from datasets.inspection import show
from official.command import configs, program
from official.command import flags as run_flags
from official.run.errors import refusals
from preprocessing import PreprocessingConfig

FLAGS = flags.FLAGS


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


def main() -> None:
    """Draws and says where."""
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


def define_flags() -> None:
    """Defines the flags of this command."""
    run_flags.define_directory_flags()
    run_flags.define_data_flags()
    flags.DEFINE_string("output_dir", "", "Where the images go; default: beside the shards.")
    flags.DEFINE_enum("split", "train", ["train", "validation", "test"], "Whose samples are shown.")
    flags.DEFINE_integer("num_samples", 12, "Samples.", lower_bound=1)
    flags.DEFINE_integer("num_views", 3, "Views of each sample.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Seed of the views, as of a training run.")
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("data_dir",))
