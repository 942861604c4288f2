"""What happens around the steps of a training, in its order."""

import tensorflow as tf

from official.input.bad_records import SkippedRecords
from official.run.options import RunOptions
from official.train.best_checkpoints import KeptCheckpoints
from official.train.checkpoints import CheckpointFolder, Checkpoints, Stop
from official.train.early_stopping import EarlyStopping
from official.train.not_finite import StopOnNotFinite
from official.train.plateau import Plateau
from official.train.progress import Progress, Times
from official.train.records import Records
from official.train.resolve import Source
from official.train.step import Trainer
from official.train.summaries import Summaries
from official.train.watch import Watch


def make_watch(source: Source, options: RunOptions) -> Watch:
    """Returns what looks after a training that may wait for its images."""
    place, hint = f"images from {source.config.data.data_dir}", ""
    if source.config.data.data_service:
        place = f"the data service at {source.config.data.data_service}"
        hint = "See that its dispatcher and at least one worker run and can be reached from here."
    return Watch(place, options.patience, hint=hint)


def make(
    model: Trainer,
    source: Source,
    options: RunOptions,
    manager: CheckpointFolder,
    watch: Watch,
    skipped: SkippedRecords,
    epochs: int,
    times: Times,
) -> list[tf.keras.callbacks.Callback]:
    """Returns what happens around the steps, in its order."""
    recipe, per_epoch = source.config.recipe, source.steps_per_epoch
    progress = Progress(recipe.batch_size, per_epoch, epochs, times)
    validation = {
        "val_regex": source.config.data.val_regex,
        "val_records": source.validation.num_examples,
    }
    checkpoints = Checkpoints(manager, int(per_epoch * options.save_checkpoints_epochs), watch)
    return [
        watch,
        # Before the checkpoints: what must not be saved, and what belongs to a checkpoint.
        StopOnNotFinite(recipe, options.model_dir),
        skipped,
        progress,
        checkpoints,
        Summaries(options.model_dir, progress, per_epoch),
        KeptCheckpoints(
            options.model_dir, options.num_best_ckpt_to_keep, options.keep_ckpt_every_eval
        ),
        Records(options.model_dir, progress, validation),
        EarlyStopping(options),
        *([] if model.plateau is None else [Plateau(model.plateau, recipe, options.model_dir)]),
        Stop(checkpoints, watch),
    ]
