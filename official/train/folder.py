"""Whether a run may be written to MODEL_DIR, and making it ready."""

import os
import sys

import tensorflow as tf

from official.run import configuration, ownership
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import CONFIG_FILE, IMPORT_FILE, UNFINISHED
from official.run.options import RunOptions

_SHOWN = 5


def check(config: RunConfig, options: RunOptions) -> None:
    """Looks whether MODEL_DIR can be used: new, to be cleaned, or holding the same run.

    Raises:
      RunError: it holds another run, whose differences are listed; or files of other people under
        the names that a run uses; or the data that the run reads.
    """
    model_dir = options.model_dir
    is_run = ownership.is_run(model_dir)
    ownership.require_apart(
        "model_dir",
        model_dir,
        removed=options.clean and is_run,
        data_dir=config.data.data_dir,
        pretrained_model_checkpoint_path=options.pretrained_model_checkpoint_path,
        teacher=config.recipe.teacher,
    )
    there = [] if is_run else ownership.written(model_dir)
    if there:
        lacking = CONFIG_FILE in there and "its config.json is not one of this program"
        raise RunError(
            f"{model_dir} holds {', '.join(there[:_SHOWN])}{', ...' if there[_SHOWN:] else ''}, "
            f"but {lacking or f'no {CONFIG_FILE}'}, so it is not a run of this program, and a run "
            "would write over them. Choose another --model_dir."
        )
    if not is_run or options.clean:
        return
    if tf.io.gfile.exists(os.path.join(model_dir, IMPORT_FILE)):
        raise RunError(
            f"{model_dir} holds an imported network, which has no training to go on with. Give a "
            f"new --model_dir and --pretrained_model_checkpoint_path={model_dir}."
        )
    changed = configuration.differences(configuration.load(model_dir), config)
    if changed:
        raise RunError(
            f"{model_dir} holds a run with other settings:\n  "
            + "\n  ".join(changed)
            + "\nLeave these flags out to go on with that run as it is (--model_dir alone is "
            "enough). To train its network further, or otherwise, start a new run from its "
            f"weights: a new --model_dir with --pretrained_model_checkpoint_path={model_dir}. "
            "--clean starts over and deletes that run."
        )


def clean(options: RunOptions) -> None:
    """Removes the run from MODEL_DIR if that is wanted and there is one; other files stay.

    What a process that was killed had not finished goes in any case.
    """
    unfinished = os.path.join(options.model_dir, UNFINISHED)
    if tf.io.gfile.exists(unfinished):
        tf.io.gfile.rmtree(unfinished)
    if not (options.clean and ownership.is_run(options.model_dir)):
        return
    foreign = ownership.clean(options.model_dir)
    if foreign:
        print(f"note: {ownership.describe_foreign(options.model_dir, foreign)}", file=sys.stderr)
