"""Whether a run may be written to MODEL_DIR, and making it ready."""

import os

import tensorflow as tf

from official.run import configuration
from official.run.checkpoints import newest
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import CONFIG_FILE, IMPORT_FILE
from official.run.options import RunOptions


def check(config: RunConfig, options: RunOptions) -> None:
    """Looks whether MODEL_DIR can be used: new, to be cleaned, or holding the same run.

    Raises:
      RunError: it holds another run; the differences are listed.
    """
    model_dir = options.model_dir
    path = os.path.join(model_dir, CONFIG_FILE)
    if options.clean and tf.io.gfile.exists(path):
        return
    if newest(model_dir) and not tf.io.gfile.exists(path):
        raise RunError(
            f"{model_dir} holds checkpoints but no {CONFIG_FILE}, so it is not a run of this "
            "program. Choose another --model_dir."
        )
    if tf.io.gfile.exists(os.path.join(model_dir, IMPORT_FILE)):
        raise RunError(
            f"{model_dir} holds an imported network, which has no training to go on with. Give a "
            f"new --model_dir and --pretrained_model_checkpoint_path={model_dir}."
        )
    if tf.io.gfile.exists(path):
        changed = configuration.differences(configuration.load(model_dir), config)
        if changed:
            raise RunError(
                f"{model_dir} holds a run with other settings:\n  "
                + "\n  ".join(changed)
                + "\nChoose another --model_dir, repeat the flags of that run, or start over "
                "with --clean."
            )


def clean(options: RunOptions) -> None:
    """Empties MODEL_DIR if that is wanted and a run is there."""
    path = os.path.join(options.model_dir, CONFIG_FILE)
    if options.clean and tf.io.gfile.exists(path):
        tf.io.gfile.rmtree(options.model_dir)
