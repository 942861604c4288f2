"""Writes corrupted copies of a data set as TFRecords: the sets of ImageNet-C, of any photos.

    python -m official.corrupt --data_dir DIR --output_dir DIR [--corruptions=fog,snow]

OUTPUT_DIR/CORRUPTION/SEVERITY/ is a data set each, and OUTPUT_DIR/clean/0/ has the crops as they
are. `python -m official.evaluate --robustness=c --corrupted_dir OUTPUT_DIR` scores a run on them;
without them it makes the same images while it scores. Run it again where it was stopped. All
corruptions and severities take about 96 times the space of the photos' crops.
"""

from absl import flags

from datasets.conversion import pool
from official.command import configs, program
from official.command import flags as run_flags
from official.robustness import corrupted_set, frost
from official.robustness.making import Making, conditions

FLAGS = flags.FLAGS
_SIZE = 224


def main() -> None:
    """Writes, and says where."""
    options = configs.robustness_options()
    if "frost" in options.names:
        frost.pictures()
    corrupted_set.write(
        FLAGS.data_dir,
        FLAGS.val_regex,
        FLAGS.output_dir,
        conditions(options),
        Making.of(options, _SIZE),
        options.num_workers or pool.default_workers(),
    )
    print(f"corrupted images: {FLAGS.output_dir}")


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("data_dir", "", "Folder of the TFRecords that are corrupted.")
    flags.DEFINE_string("output_dir", "", "Folder that the corrupted sets go to.")
    flags.DEFINE_string("val_regex", "validation-*", "Glob of the shards in DATA_DIR.")
    run_flags.define_robustness_flags("corrupted_dir", "resize_corrupted")


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("data_dir", "output_dir"))
