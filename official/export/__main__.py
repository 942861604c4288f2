"""Exports a run as a SavedModel and proves that it scores as the run does.

    python -m official.export --model_dir DIR --export_dir DIR

Writes EXPORT_DIR/<version>/, as TensorFlow Serving expects it, with model_card.md: network, scores,
images, training, data, classes, and how to call it. Before the folder gets its final
name, the exported model is fed the raw bytes of the evaluation images: its logits must be those of
the run's network (to 0.001 of the largest), else nothing is exported.
"""

from absl import flags

from official.command import configs, program
from official.command import flags as run_flags
from official.export import exporter

FLAGS = flags.FLAGS


def main() -> None:
    """Exports as the flags say."""
    folder = exporter.export(
        FLAGS.model_dir,
        FLAGS.export_dir,
        options=configs.export_options(),
        data_dir=FLAGS.data_dir,
        version=FLAGS.export_version,
        checkpoint=FLAGS.checkpoint,
        verify=FLAGS.verify,
        exif_orientation=FLAGS.exif_orientation,
    )
    print(f"exported {folder}")


def define_flags() -> None:
    """Defines the flags of this command."""
    run_flags.define_directory_flags()
    run_flags.define_export_flags()
    flags.DEFINE_string("export_dir", "", "Folder of the versions; TensorFlow Serving's base path.")
    flags.DEFINE_integer("export_version", 0, "Version number; 0: the next one.", lower_bound=0)
    flags.DEFINE_string(
        "checkpoint",
        "",
        "`best` (validation top-1), a name such as model.ckpt-120 in MODEL_DIR, or the prefix of a "
        "checkpoint; default: the newest.",
    )
    flags.DEFINE_boolean("verify", True, "Compare with the run's network on raw images.")
    flags.DEFINE_boolean(
        "exif_orientation",
        None,
        "Turn JPEGs as their EXIF orientation says, as phones mean it. Default: if the conversion "
        "of the training data did (it does for your own photos, not for published data sets).",
    )
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("model_dir", "export_dir"))
