"""A whole training: TFRecords in, checkpoints and scores out."""

import dataclasses
import math
import os
import sys

import tensorflow as tf

from nets import build_model
from official.checkpoints import pretrained
from official.input import pipeline, search
from official.input.bad_records import SkippedRecords
from official.run import allocator, checkpoint_files, devices, files, history, lock
from official.run.classes import save_labels
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.folder import EVENTS, PRETRAINED_FILE
from official.run.network import input_shape
from official.run.options import RunOptions
from official.train import best_checkpoints, folder
from official.train.best_checkpoints import KeptCheckpoints
from official.train.checkpoints import CheckpointFolder, Checkpoints, restore
from official.train.describe import describe
from official.train.progress import Progress
from official.train.records import Records
from official.train.resolve import Source, resolve
from official.train.step import Trainer, make_optimizer
from official.train.watch import Watch


def run(config: RunConfig, options: RunOptions) -> tf.keras.Model:
    """Trains a run to its end; one that has a checkpoint goes on where it stopped.

    What `config.data` leaves open is worked out from the data: the number of images, the number of
    classes where it is 0, the shuffle buffer where it is 0.

    Args:
      config: what is trained on what.
      options: where, and how it is run.

    Returns:
      The network with its last weights.

    Raises:
      RunError or DatasetError: it cannot be trained, or was stopped; the message says what to do.
    """
    if options.keep_freed_memory:
        allocator.keep_freed_memory()
    source = resolve(config)
    # An error here leaves no folder behind.
    shape = input_shape(source.config)
    folder.check(source.config, options)
    with lock.hold(options.model_dir):
        return _train(source, options, shape)


def _train(
    source: Source, options: RunOptions, shape: tuple[int | None, int | None, int]
) -> tf.keras.Model:
    """Trains in a MODEL_DIR that this process holds."""
    config, recipe = source.config, source.config.recipe
    folder.check(config, options)  # Again: another process may have held it.
    weights = open_pretrained(options)
    tf.keras.utils.set_random_seed(recipe.seed)
    strategy = devices.strategy(options.num_gpus)
    if recipe.batch_size % strategy.num_replicas_in_sync:
        raise RunError(
            f"--batch_size={recipe.batch_size} cannot be divided among "
            f"{strategy.num_replicas_in_sync} devices."
        )
    images = source.training.num_examples
    with strategy.scope(), devices.precision(recipe.dtype):
        model = Trainer(
            build_model(config.model, shape),
            recipe,
            recipe.total_steps(images),
            config.preprocessing.multi_scale,
            config.preprocessing.channel_means,
        )
        optimizer = make_optimizer(recipe, images)
        optimizer.build(model.network.trainable_variables)
        model.compile(optimizer=optimizer)
    print(describe(source, model.network, strategy, options.model_dir), file=sys.stderr)
    if weights:
        taken_over = pretrained.restore(
            model.network,
            config.model,
            weights,
            trainable_only=options.restore_trainable_only,
            restore_classifier=options.restore_classifier,
            class_names=config.data.class_names,
        )
        print(taken_over.describe(), file=sys.stderr)
    folder.clean(options)
    manager = CheckpointFolder(
        tf.train.Checkpoint(network=model.network, optimizer=optimizer),
        options.model_dir,
        max_to_keep=options.keep_checkpoint_max or None,
    )
    step = restore(manager, options.model_dir)
    history.write(options.model_dir, config, options, step)
    save_labels(config.data.data_dir, options.model_dir, config.data.label_offset)
    if weights:
        path = os.path.join(options.model_dir, PRETRAINED_FILE)
        files.write_json(path, dataclasses.asdict(taken_over))
    fit(model, source, options, manager, step)
    return model.network


def open_pretrained(options: RunOptions) -> pretrained.Pretrained | None:
    """Returns the weights that a training starts from; None where it has a checkpoint, or no such.

    Raises:
      RunError: there are no such weights.
    """
    path = options.pretrained_model_checkpoint_path
    if not path:
        return None
    if checkpoint_files.names_of_run(options.model_dir) and not options.clean:
        print(
            f"{options.model_dir} has a checkpoint, so the run goes on from it; "
            f"--pretrained_model_checkpoint_path={path} is not read",
            file=sys.stderr,
        )
        return None
    return pretrained.load(path)


def fit(
    model: Trainer,
    source: Source,
    options: RunOptions,
    manager: CheckpointFolder,
    step: int,
) -> None:
    """Runs the epochs that are left, an unfinished one first."""
    recipe, per_epoch = source.config.recipe, source.steps_per_epoch
    replicas = model.distribute_strategy.num_replicas_in_sync
    last_step = recipe.train_epochs * per_epoch
    if options.max_train_steps:
        last_step = min(last_step, options.max_train_steps)
    epochs = -(-last_step // per_epoch)
    watch = Watch(source.config.data.data_service, options.data_service_patience)
    skipped = SkippedRecords(options.model_dir, *source, step)
    callbacks = [
        watch,
        skipped,  # Before the checkpoints: a resumed run needs the account of its step.
        *_callbacks(source, options, manager, watch, epochs, step),
    ]
    evaluated = evaluation_epochs(recipe.train_epochs, epochs, options)
    while step < last_step:
        epoch, within = divmod(step, per_epoch)
        # An unfinished epoch, or a last one cut short, is a fit of its own.
        stop = min(last_step, (epoch + 1) * per_epoch)
        steps = stop - step
        until = epoch + 1
        if within == 0 and steps == per_epoch:
            until = last_step // per_epoch
        with search.named(*source), watch.running():
            model.fit(
                pipeline.training_dataset(
                    source.config, source.training, step, skipped.total, replicas
                ),
                initial_epoch=epoch,
                epochs=until,
                steps_per_epoch=steps,
                validation_data=pipeline.evaluation_dataset(source.config, source.validation),
                validation_freq=evaluated,
                callbacks=callbacks,
                verbose=0,
            )
        step = int(model.optimizer.iterations.numpy())
    print(f"finished {step} steps; {manager.latest_checkpoint}", file=sys.stderr)
    if last_step < recipe.train_epochs * per_epoch:
        print(
            f"that is where --max_train_steps={options.max_train_steps} ends; "
            "--max_train_steps=0 goes on",
            file=sys.stderr,
        )
    best = best_checkpoints.describe(options.model_dir)
    if best:
        print(best, file=sys.stderr)


def _callbacks(
    source: Source,
    options: RunOptions,
    manager: CheckpointFolder,
    watch: Watch,
    epochs: int,
    step: int,
) -> list[tf.keras.callbacks.Callback]:
    """Returns what happens around the steps, in its order."""
    recipe, per_epoch = source.config.recipe, source.steps_per_epoch
    progress = Progress(recipe.batch_size, per_epoch, epochs, step)
    validation = {
        "val_regex": source.config.data.val_regex,
        "val_records": source.validation.num_examples,
    }
    return [
        Checkpoints(manager, int(per_epoch * options.save_checkpoints_epochs), watch),
        progress,
        Records(options.model_dir, progress, validation),
        StopOnNonFinite(recipe.dtype),
        tf.keras.callbacks.TensorBoard(
            os.path.join(options.model_dir, EVENTS),
            write_graph=False,
            update_freq=max(1, per_epoch // 10),
        ),
        KeptCheckpoints(
            options.model_dir, options.num_best_ckpt_to_keep, options.keep_ckpt_every_eval
        ),
    ]


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Ends the run with RunError when the mean loss of the epoch is infinite or not a number."""

    def __init__(self, dtype: str):
        """Gives advice for that --dtype."""
        super().__init__()
        self._more = ", or --loss_scale=dynamic, or --dtype=bf16" if dtype == "fp16" else ""

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Looks at the loss."""
        if not math.isfinite(logs["loss"]):
            step = int(self.model.optimizer.iterations.numpy())
            raise RunError(
                f"the loss is {logs['loss']} after step {step}; training cannot recover. Try a "
                f"lower --base_learning_rate or a longer --lr_warmup_epochs{self._more}; the "
                "checkpoints in MODEL_DIR are from before."
            )


def evaluation_epochs(train_epochs: int, epochs: int, options: RunOptions) -> list[int]:
    """Returns which of `epochs` end with a score; `ratio_fine_eval` is a share of the recipe's."""
    every = options.epochs_between_evals
    chosen = set(range(every, epochs + 1, every))
    fine = range(int(train_epochs * options.ratio_fine_eval) + 1, epochs + 1)
    return sorted(chosen | set(fine) | {epochs})
