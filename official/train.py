"""Trains a network: TFRecords in, checkpoints and scores out.

    python -m official.train --data_dir DIR --model_dir DIR [model, data, recipe flags]

A MODEL_DIR that has a checkpoint is continued where it stopped, with the same pictures that an
uninterrupted run would have seen. Flags of one run can stand in a file: --flagfile=FILE.
"""

import os
import sys
import time

import tensorflow as tf
from absl import flags

from datasets import reader
from nets import build_model
from official import callbacks, command, configuration, input_pipeline, run, trainer
from official import flags as run_flags
from official.configuration import DataConfig, RunConfig, RunError

FLAGS = flags.FLAGS


def resolve() -> tuple[RunConfig, reader.Split]:
    """Returns the run that the flags and the data describe, and its training shards.

    Raises:
      RunError or DatasetError: flags or data that cannot be trained on.
    """
    split = reader.find_split(FLAGS.data_dir, FLAGS.train_regex)
    try:
        classes = run.count_classes(FLAGS.data_dir, FLAGS.dataset_name or "", FLAGS.num_classes)
        config = RunConfig(
            model=run_flags.model_config(classes),
            preprocessing=run_flags.preprocessing_config(),
            recipe=run_flags.recipe_config(),
            data=_data_config(classes, split.num_examples),
        )
    except ValueError as error:
        raise RunError(str(error)) from error
    if split.num_examples < config.recipe.batch_size:
        raise RunError(
            f"--batch_size={config.recipe.batch_size} is larger than the {split.num_examples} "
            f"training pictures in {FLAGS.data_dir}."
        )
    return config, split


def _data_config(num_classes: int, num_images: int) -> DataConfig:
    """Returns what the flags say of the data."""
    local = "://" not in FLAGS.data_dir
    return DataConfig(
        data_dir=os.path.abspath(FLAGS.data_dir) if local else FLAGS.data_dir,
        dataset_name=FLAGS.dataset_name or "",
        train_regex=FLAGS.train_regex,
        val_regex=FLAGS.val_regex,
        num_classes=num_classes,
        num_images=num_images,
        shuffle_buffer=run.shuffle_buffer(FLAGS.dataset_name or "", FLAGS.shuffle_buffer),
        val_batch_size=FLAGS.val_batch_size,
        private_threads=FLAGS.datasets_num_private_threads,
    )


def prepare_model_dir(config: RunConfig, model_dir: str) -> None:
    """Makes MODEL_DIR ready: new, or holding the same run.

    Raises:
      RunError: it holds another run; the differences are listed.
    """
    path = os.path.join(model_dir, configuration.CONFIG_FILE)
    if FLAGS.clean and tf.io.gfile.exists(path):
        tf.io.gfile.rmtree(model_dir)
    if tf.train.latest_checkpoint(model_dir) and not tf.io.gfile.exists(path):
        raise RunError(
            f"{model_dir} holds checkpoints but no {configuration.CONFIG_FILE}, so it is not a run "
            "of this program. Choose another --model_dir."
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
    config.save(model_dir)
    run.save_labels(FLAGS.data_dir, model_dir)


def main() -> None:
    """Trains as the flags say."""
    config, split = resolve()
    validation = run.evaluation_split(config)
    recipe, model_dir = config.recipe, FLAGS.model_dir
    prepare_model_dir(config, model_dir)
    tf.keras.utils.set_random_seed(recipe.seed)
    command.set_precision(recipe.dtype)
    strategy = command.strategy(FLAGS.num_gpus)
    if recipe.batch_size % strategy.num_replicas_in_sync:
        raise RunError(
            f"--batch_size={recipe.batch_size} cannot be divided among "
            f"{strategy.num_replicas_in_sync} devices."
        )
    with strategy.scope():
        model = trainer.Trainer(
            build_model(config.model),
            recipe,
            recipe.total_steps(split.num_examples),
            config.preprocessing.multi_scale,
        )
        optimizer = trainer.make_optimizer(recipe, split.num_examples)
        optimizer.build(model.network.trainable_variables)
        model.compile(optimizer=optimizer)
    print(describe(config, split, validation, model.network, strategy), file=sys.stderr)

    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(network=model.network, optimizer=optimizer),
        model_dir,
        max_to_keep=FLAGS.keep_checkpoint_max or None,
        checkpoint_name=run.CHECKPOINT_NAME,
    )
    step = restore(manager, model_dir)
    fit(model, config, split, validation, manager, step)


def restore(manager: tf.train.CheckpointManager, model_dir: str) -> int:
    """Restores the newest checkpoint, if there is one, and returns its step."""
    path = manager.latest_checkpoint
    if path is None:
        return 0
    try:
        manager.checkpoint.restore(path).assert_existing_objects_matched()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise RunError(
            f"{path} cannot be restored: {str(error).splitlines()[0]}. If the file is damaged, "
            f"delete it and its line in {model_dir}/checkpoint; the one before is used then."
        ) from error
    step = run.checkpoint_step(path)
    callbacks.forget_after(model_dir, step)
    print(f"resuming {path}", file=sys.stderr)
    return step


def fit(
    model: trainer.Trainer,
    config: RunConfig,
    split: reader.Split,
    validation: reader.Split,
    manager: tf.train.CheckpointManager,
    step: int,
) -> None:
    """Runs the epochs that are left, an unfinished one first."""
    recipe, model_dir = config.recipe, FLAGS.model_dir
    per_epoch = max(1, split.num_examples // recipe.batch_size)
    last_step = recipe.train_epochs * per_epoch
    if FLAGS.max_train_steps:
        last_step = min(last_step, FLAGS.max_train_steps)
    epochs = -(-last_step // per_epoch)
    progress = callbacks.Progress(recipe.batch_size, per_epoch, epochs, step)
    keeper = callbacks.Checkpoints(manager, int(per_epoch * FLAGS.save_checkpoints_epochs))
    watchers = [
        keeper,
        progress,
        callbacks.Records(model_dir, progress, {"val_regex": config.data.val_regex}),
        callbacks.StopOnNonFinite(lambda: non_finite_advice(config)),
        tf.keras.callbacks.TensorBoard(
            os.path.join(model_dir, "logs"), write_graph=False, update_freq=max(1, per_epoch // 10)
        ),
    ]
    while step < last_step:
        epoch, within = divmod(step, per_epoch)
        # An unfinished epoch, or a last one cut short, is a fit of its own.
        stop = min(last_step, (epoch + 1) * per_epoch)
        steps = stop - step
        until = epoch + 1
        if within == 0 and steps == per_epoch:
            until = last_step // per_epoch
        model.fit(
            input_pipeline.training_dataset(config, split, start_step=step),
            initial_epoch=epoch,
            epochs=until,
            steps_per_epoch=steps,
            validation_data=input_pipeline.evaluation_dataset(config, validation),
            validation_freq=evaluation_epochs(epochs),
            callbacks=watchers,
            verbose=0,
        )
        step = int(model.optimizer.iterations.numpy())
    print(f"finished {step} steps; {manager.latest_checkpoint}", file=sys.stderr)


def evaluation_epochs(epochs: int) -> list[int]:
    """Returns the epochs after which the network is scored, the last one among them."""
    chosen = set(range(FLAGS.epochs_between_evals, epochs + 1, FLAGS.epochs_between_evals))
    return sorted(chosen | {epochs})


def non_finite_advice(config: RunConfig) -> str:
    """Returns what to try when the loss is no number."""
    advice = "Try a lower --base_learning_rate or a longer --lr_warmup_epochs"
    if config.recipe.dtype == "fp16":
        advice += ", or --loss_scale=dynamic, or --dtype=bf16"
    return advice + "; the checkpoints in MODEL_DIR are from before."


def describe(config, split, validation, network, strategy) -> str:
    """Returns the start of the log: what is trained on what."""
    recipe = config.recipe
    return "\n".join(
        [
            f"data    {split.num_examples} training and {validation.num_examples} validation "
            f"pictures of {config.data.num_classes} classes in {config.data.data_dir}",
            f"network ResNet-{config.model.resnet_size}, {network.count_params():,} parameters, "
            f"{config.preprocessing.train_size} pixels for training, "
            f"{config.preprocessing.eval_size} for evaluation",
            f"recipe  {recipe.train_epochs} epochs, batch {recipe.batch_size}, {recipe.dtype}, "
            f"{recipe.learning_rate_decay_type} from {recipe.base_learning_rate}; "
            f"all settings in {os.path.join(FLAGS.model_dir, configuration.CONFIG_FILE)}",
            f"device  {command.describe_devices(strategy)}, started {time.strftime('%F %T')}",
        ]
    )


def define_flags() -> None:
    """Defines the flags of this command and shows them in its --help."""
    run_flags.define_directory_flags()
    run_flags.define_data_flags()
    run_flags.define_model_flags()
    run_flags.define_recipe_flags()
    run_flags.define_run_flags()
    flags.adopt_module_key_flags(run_flags)


if __name__ == "__main__":
    define_flags()
    command.run(main, required=("data_dir", "model_dir"))
