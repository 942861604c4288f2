"""A whole training: TFRecords in, checkpoints and scores out."""

import dataclasses
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
from official.run.folder import PRETRAINED_FILE
from official.run.network import input_shape
from official.run.options import RunOptions
from official.train import (
    averaging,
    best_checkpoints,
    callbacks,
    class_weights,
    cycles,
    early_stopping,
    features,
    folder,
    freezing,
    records,
    teaching,
    unfinished,
)
from official.train.checkpoints import CheckpointFolder, restore
from official.train.describe import describe
from official.train.optimizer import make_optimizer
from official.train.progress import Times
from official.train.resolve import Source, resolve
from official.train.step import Trainer


def run(config: RunConfig, options: RunOptions) -> tf.keras.Model:
    """Trains a run to its end; one that has a checkpoint goes on where it stopped.

    What `config.data` leaves open is worked out from the data: the number of images, the number of
    classes where it is 0, the shuffle buffer where it is 0, batch norm's momentum where it is 0.

    Args:
      config: what is trained on what.
      options: where, and how it is run.

    Returns:
      The network with its last weights.

    Raises:
      RunError or DatasetError: it cannot be trained, or was stopped; the message says what to do.
    """
    devices.use_what_is_granted()
    if options.keep_freed_memory:
        allocator.keep_freed_memory()
    if options.deterministic:
        tf.config.experimental.enable_op_determinism()
    source = resolve(config)
    options = dataclasses.replace(options, model_dir=os.path.expanduser(options.model_dir))
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
    freezing.check(recipe, options, begun=_has_checkpoint(options))
    tf.keras.utils.set_random_seed(recipe.seed)
    soft = options.soft_placement
    strategy = devices.strategy(
        devices.placed_softly(options.num_gpus) if soft else options.num_gpus
    )
    pieces = strategy.num_replicas_in_sync * recipe.accumulation_steps
    if recipe.batch_size % pieces:
        raise RunError(
            f"--batch_size={recipe.batch_size} cannot be divided among "
            f"{strategy.num_replicas_in_sync} devices with --accumulation_steps="
            f"{recipe.accumulation_steps}: it must be a multiple of {pieces}."
        )
    images = source.training.num_examples
    weights_of_classes = class_weights.weights(config, source.training)
    with strategy.scope(), devices.precision(recipe.dtype):
        network = build_model(config.model, shape)
        freezing.freeze(network, recipe)
        model = Trainer(
            network,
            recipe,
            recipe.total_steps(images),
            config.preprocessing.multi_scale,
            config.preprocessing.channel_means,
            build_model(config.model, shape) if recipe.ema_decay else None,
            weights_of_classes,
            teaching.beside(config, half=devices.on_gpus(strategy)),
        )
        optimizer = make_optimizer(recipe, images, network, model.plateau)
        optimizer.build(network.trainable_variables)
        model.compile(optimizer=optimizer)
    if options.early_stopping_patience:
        metric = options.early_stopping_metric
        early_stopping.require("early_stopping_metric", metric, model.sums)
    if model.plateau is not None:
        early_stopping.require("plateau_metric", recipe.plateau_metric, model.sums)
    print(describe(source, network, strategy, options.model_dir), file=sys.stderr)
    if weights:
        taken_over = pretrained.restore(
            network,
            config.model,
            weights,
            trainable_only=options.restore_trainable_only,
            restore_classifier=options.restore_classifier,
            class_names=config.data.class_names,
        )
        print(taken_over.describe(), file=sys.stderr)
    if model.averaged is not None:
        averaging.start(model.averaged, network)
    folder.clean(options)
    times = Times()
    state = unfinished.state(model, times)
    manager = CheckpointFolder(
        # Readers of a checkpoint take `network`.
        tf.train.Checkpoint(
            network=model.scored,
            optimizer=optimizer,
            epoch=state,
            **({} if model.averaged is None else {"trained": network}),
            **({} if model.plateau is None else {"plateau": model.plateau}),
        ),
        options.model_dir,
        max_to_keep=options.keep_checkpoint_max or None,
    )
    step = restore(manager, options.model_dir)
    history.write(options.model_dir, config, options, step)
    save_labels(config.data.data_dir, options.model_dir, config.data.label_offset)
    if weights:
        path = os.path.join(options.model_dir, PRETRAINED_FILE)
        files.write_json(path, dataclasses.asdict(taken_over))
    fit(model, source, options, manager, step, times)
    return model.scored


def open_pretrained(options: RunOptions) -> pretrained.Pretrained | None:
    """Returns the weights that a training starts from; None where it has a checkpoint, or no such.

    Raises:
      RunError: there are no such weights.
    """
    path = options.pretrained_model_checkpoint_path
    if not path:
        return None
    if _has_checkpoint(options):
        print(
            f"{options.model_dir} has a checkpoint, so the run goes on from it; "
            f"--pretrained_model_checkpoint_path={path} is not read",
            file=sys.stderr,
        )
        return None
    return pretrained.load(path)


def _has_checkpoint(options: RunOptions) -> bool:
    """Whether the training goes on from a checkpoint of its own."""
    return bool(checkpoint_files.names_of_run(options.model_dir)) and not options.clean


def fit(
    model: Trainer,
    source: Source,
    options: RunOptions,
    manager: CheckpointFolder,
    step: int,
    times: Times,
) -> None:
    """Runs the epochs that are left: first the end of one, or the rest of one, that is missing."""
    config, per_epoch = source.config, source.steps_per_epoch
    replicas = model.distribute_strategy.num_replicas_in_sync
    last_step = cycles.last_step(config.recipe.train_epochs, per_epoch, options)
    epochs = -(-last_step // per_epoch)
    end_missing = 0 < step <= last_step and step in (
        last_step, step // per_epoch * per_epoch
    ) and not records.ended(options.model_dir, step)  # fmt: skip
    watch = callbacks.make_watch(source, options)
    skipped = SkippedRecords(options.model_dir, *source, step)
    goes_on = end_missing or step % per_epoch > 0
    around = callbacks.make(model, source, options, manager, watch, skipped, epochs, times)
    around.insert(1, unfinished.GoOn(model, goes_on))
    evaluated = cycles.evaluation_epochs(config.recipe.train_epochs, epochs, options)
    validation = pipeline.evaluation_dataset(config, source.validation)
    if end_missing:
        epoch = -(-step // per_epoch)
        scored = validation if epoch in evaluated else None
        print(f"the end of epoch {epoch} is made up for", file=sys.stderr)
        with search.named(*source), watch.running():
            unfinished.end_epoch(
                model, around, epoch - 1, scored, config.data.on_bad_record == "skip"
            )
    going = step < last_step and not early_stopping.reason(options)
    kept = features.kept(model, source, options.model_dir) if going else None
    while step < last_step and not early_stopping.reason(options):
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
                    config, source.training, step, skipped.total, replicas, kept
                ),
                initial_epoch=epoch,
                epochs=until,
                steps_per_epoch=steps,
                validation_data=validation,
                validation_freq=evaluated,
                callbacks=around,
                verbose=0,
            )
        before, step = step, int(model.optimizer.iterations.numpy())
        if step == before:
            raise RunError(f"{config.data.data_dir} gave no batch to train on.")
    print(f"finished {step} steps; {manager.latest_checkpoint}", file=sys.stderr)
    if step == config.recipe.train_epochs * per_epoch or step < last_step:
        features.remove(options.model_dir)
    else:
        print(
            f"that is where --max_train_steps={options.max_train_steps} ends; "
            "--max_train_steps=0 goes on",
            file=sys.stderr,
        )
    why = early_stopping.reason(options) if step < last_step else ""
    for line in why, best_checkpoints.describe(options.model_dir):
        if line:
            print(line, file=sys.stderr)
