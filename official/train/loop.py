"""Trains a network: TFRecords in, checkpoints and scores out.

    python -m official.train --data_dir DIR --model_dir DIR [model, data, recipe flags]

A MODEL_DIR that has a checkpoint is continued where it stopped, with the same pictures that an
uninterrupted run would have seen. Flags of one run can stand in a file: --flagfile=FILE.
--pretrained_model_checkpoint_path=PATH starts a new one from the weights of another (fine-tuning).
"""

import dataclasses
import os
import sys
import time

import tensorflow as tf
from absl import flags

from datasets.records import reader
from nets import ModelConfig, build_model
from official.checkpoints import original_checkpoint, pretrained
from official.command import flags as run_flags
from official.command import program
from official.input import bad_records, pipeline
from official.run import allocator, configuration, files, run
from official.run.configuration import DataConfig, RunConfig, RunError
from official.train import best_checkpoints, callbacks, run_modes, trainer, watch

FLAGS = flags.FLAGS


def resolve() -> tuple[RunConfig, reader.Split]:
    """Returns the run that the flags and the data describe, and its training shards.

    Raises:
      RunError or DatasetError: flags or data that cannot be trained on.
    """
    split = bad_records.find_split(FLAGS.data_dir, FLAGS.train_regex, FLAGS.on_bad_record)
    try:
        classes = run.count_classes(
            FLAGS.data_dir, FLAGS.dataset_name or "", FLAGS.num_classes, FLAGS.label_offset
        )
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
            f"training pictures in {FLAGS.data_dir}"
            + (f", of whose files {len(split.damage)} are damaged." if split.damage else ".")
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
        label_offset=FLAGS.label_offset,
        num_classes=num_classes,
        num_images=num_images,
        shuffle_buffer=run.shuffle_buffer(FLAGS.dataset_name or "", FLAGS.shuffle_buffer),
        val_batch_size=FLAGS.val_batch_size,
        private_threads=FLAGS.datasets_num_private_threads,
        on_bad_record=FLAGS.on_bad_record,
        on_bad_val_record=FLAGS.on_bad_val_record,
        max_bad_records=FLAGS.max_bad_records,
        data_service=FLAGS.data_service,
    )


def check_model_dir(config: RunConfig, model_dir: str) -> None:
    """Looks whether MODEL_DIR can be used: new, to be cleaned, or holding the same run.

    Raises:
      RunError: it holds another run; the differences are listed.
    """
    path = os.path.join(model_dir, configuration.CONFIG_FILE)
    if FLAGS.clean and tf.io.gfile.exists(path):
        return
    if tf.train.latest_checkpoint(model_dir) and not tf.io.gfile.exists(path):
        raise RunError(
            f"{model_dir} holds checkpoints but no {configuration.CONFIG_FILE}, so it is not a run "
            "of this program. Choose another --model_dir."
        )
    if tf.io.gfile.exists(os.path.join(model_dir, original_checkpoint.IMPORT_FILE)):
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


def prepare_model_dir(config: RunConfig, model_dir: str) -> None:
    """Makes MODEL_DIR ready, empty with --clean; see `check_model_dir`."""
    path = os.path.join(model_dir, configuration.CONFIG_FILE)
    if FLAGS.clean and tf.io.gfile.exists(path):
        tf.io.gfile.rmtree(model_dir)
    config.save(model_dir)
    run.save_labels(FLAGS.data_dir, model_dir, FLAGS.label_offset)


def main() -> None:
    """Trains as the flags say, or does what --eval_only or --export_only ask for."""
    if FLAGS.keep_freed_memory:
        allocator.keep_freed_memory()
    if FLAGS.eval_only and FLAGS.export_only:
        raise RunError("--eval_only and --export_only exclude each other.")
    if FLAGS.eval_only:
        run_modes.evaluate_run()
    elif not FLAGS.export_only:
        train()
    if FLAGS.export_dir or FLAGS.export_only:
        run_modes.export_run()


def train() -> None:
    """Builds, restores and trains the network."""
    if not FLAGS.data_dir:
        raise RunError("--data_dir must be given; see --help.")
    config, split = resolve()
    run.input_shape(config)  # An error here leaves no folder behind.
    validation = run.evaluation_split(config)
    recipe, model_dir = config.recipe, FLAGS.model_dir
    check_model_dir(config, model_dir)
    source = open_pretrained(model_dir)
    tf.keras.utils.set_random_seed(recipe.seed)
    program.set_precision(recipe.dtype)
    strategy = program.strategy(FLAGS.num_gpus)
    if recipe.batch_size % strategy.num_replicas_in_sync:
        raise RunError(
            f"--batch_size={recipe.batch_size} cannot be divided among "
            f"{strategy.num_replicas_in_sync} devices."
        )
    with strategy.scope():
        model = trainer.Trainer(
            build_model(config.model, run.input_shape(config)),
            recipe,
            recipe.total_steps(split.num_examples),
            config.preprocessing.multi_scale,
        )
        optimizer = trainer.make_optimizer(recipe, split.num_examples)
        optimizer.build(model.network.trainable_variables)
        model.compile(optimizer=optimizer)
    print(describe(config, split, validation, model.network, strategy), file=sys.stderr)
    taken_over = take_over(model.network, config, source) if source else None
    prepare_model_dir(config, model_dir)
    if taken_over:
        record = dataclasses.asdict(taken_over)
        files.write_json(os.path.join(model_dir, pretrained.PRETRAINED_FILE), record)

    manager = tf.train.CheckpointManager(
        tf.train.Checkpoint(network=model.network, optimizer=optimizer),
        model_dir,
        max_to_keep=FLAGS.keep_checkpoint_max or None,
        checkpoint_name=run.CHECKPOINT_NAME,
    )
    step = restore(manager, model_dir)
    fit(model, config, split, validation, manager, step)


def open_pretrained(model_dir: str) -> pretrained.Pretrained | None:
    """Returns the weights of --pretrained_model_checkpoint_path, if the training starts from them.

    A run that has a checkpoint of its own goes on from that instead.

    Raises:
      RunError: there are no such weights, or flags ask for them without saying where they are.
    """
    path = FLAGS.pretrained_model_checkpoint_path
    if not path:
        for name in ("restore_trainable_only", "restore_classifier"):
            if FLAGS[name].present:
                raise RunError(f"--{name} needs --pretrained_model_checkpoint_path.")
        return None
    if tf.train.latest_checkpoint(model_dir) and not FLAGS.clean:
        print(
            f"{model_dir} has a checkpoint, so the run goes on from it; "
            f"--pretrained_model_checkpoint_path={path} is not read",
            file=sys.stderr,
        )
        return None
    return pretrained.load(path)


def take_over(
    network: tf.keras.Model, config: RunConfig, source: pretrained.Pretrained
) -> pretrained.Restored:
    """Gives a new network its first weights and says which.

    Raises:
      RunError: they are of another architecture.
    """
    result = pretrained.restore(
        network,
        config.model,
        source,
        trainable_only=FLAGS.restore_trainable_only,
        restore_classifier=FLAGS.restore_classifier,
    )
    print(result.describe(), file=sys.stderr)
    return result


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
    replicas = model.distribute_strategy.num_replicas_in_sync
    per_epoch = max(1, split.num_examples // recipe.batch_size)
    last_step = recipe.train_epochs * per_epoch
    if FLAGS.max_train_steps:
        last_step = min(last_step, FLAGS.max_train_steps)
    epochs = -(-last_step // per_epoch)
    progress = callbacks.Progress(recipe.batch_size, per_epoch, epochs, step)
    skipped = bad_records.SkippedRecords(model_dir, config, split, validation, step)
    watcher = watch.Watch(config.data.data_service, FLAGS.data_service_patience)
    every_steps = int(per_epoch * FLAGS.save_checkpoints_epochs)
    keeper = callbacks.Checkpoints(manager, every_steps, watcher)
    watchers = [
        watcher,
        skipped,  # Before the checkpoints: a resumed run needs the account of its step.
        keeper,
        progress,
        callbacks.Records(
            model_dir,
            progress,
            {"val_regex": config.data.val_regex, "val_records": validation.num_examples},
        ),
        callbacks.StopOnNonFinite(lambda: non_finite_advice(config)),
        tf.keras.callbacks.TensorBoard(
            os.path.join(model_dir, "logs"), write_graph=False, update_freq=max(1, per_epoch // 10)
        ),
        best_checkpoints.KeptCheckpoints(
            model_dir, FLAGS.num_best_ckpt_to_keep, FLAGS.keep_ckpt_every_eval
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
        with bad_records.named(config, split, validation), watcher.running():
            model.fit(
                pipeline.training_dataset(config, split, step, skipped.total, replicas),
                initial_epoch=epoch,
                epochs=until,
                steps_per_epoch=steps,
                validation_data=pipeline.evaluation_dataset(config, validation),
                validation_freq=evaluation_epochs(epochs),
                callbacks=watchers,
                verbose=0,
            )
        step = int(model.optimizer.iterations.numpy())
    print(f"finished {step} steps; {manager.latest_checkpoint}", file=sys.stderr)


def evaluation_epochs(epochs: int) -> list[int]:
    """Returns the epochs after which the network is scored, the last one among them."""
    chosen = set(range(FLAGS.epochs_between_evals, epochs + 1, FLAGS.epochs_between_evals))
    fine = range(int(FLAGS.train_epochs * FLAGS.ratio_fine_eval) + 1, epochs + 1)
    return sorted(chosen | set(fine) | {epochs})


def non_finite_advice(config: RunConfig) -> str:
    """Returns what to try when the loss is no number."""
    advice = "Try a lower --base_learning_rate or a longer --lr_warmup_epochs"
    if config.recipe.dtype == "fp16":
        advice += ", or --loss_scale=dynamic, or --dtype=bf16"
    return advice + "; the checkpoints in MODEL_DIR are from before."


def kind_of(model: ModelConfig) -> str:
    """Returns the kind and the depth of a network, such as `BigLittle-ResNet-50`."""
    if model.architecture == "mobilenet_v1":
        return "MobileNet-V1"
    if model.no_shortcut:
        return f"plain network of {model.resnet_size} layers"
    return f"{'BigLittle-' if model.big_little else ''}ResNet-{model.resnet_size}"


def describe(config, split, validation, network, strategy) -> str:
    """Returns the start of the log: what is trained on what."""
    recipe = config.recipe
    return "\n".join(
        [
            f"data    {split.num_examples} training and {validation.num_examples} validation "
            f"pictures of {config.data.num_classes} classes in {config.data.data_dir}",
            f"network {kind_of(config.model)}, {network.count_params():,} parameters, "
            f"{config.preprocessing.train_size} pixels for training, "
            f"{config.preprocessing.eval_size} for evaluation",
            f"recipe  {recipe.train_epochs} epochs, batch {recipe.batch_size}, {recipe.dtype}, "
            f"{recipe.learning_rate_decay_type} from {recipe.base_learning_rate}"
            f"{describe_mixing(recipe, strategy.num_replicas_in_sync)}; "
            f"all settings in {os.path.join(FLAGS.model_dir, configuration.CONFIG_FILE)}",
            f"device  {program.describe_devices(strategy)}, started {time.strftime('%F %T')}",
        ]
    )


def describe_mixing(recipe: configuration.RecipeConfig, replicas: int) -> str:
    """Returns what is mixed and where, such as `, mixup 1 on the device`; "" for nothing."""
    if not recipe.mixing.active:
        return ""
    what = "CutMix" if recipe.cutmix_alpha else f"mixup {recipe.mixup_type}"
    here = pipeline.mixes_on_device(recipe, replicas)
    return f", {what} {'on the device' if here else 'in the input pipeline'}"


def define_flags() -> None:
    """Defines the flags of this command and shows them in its --help."""
    run_flags.define_directory_flags()
    run_flags.define_data_flags()
    run_flags.define_model_flags()
    run_flags.define_recipe_flags()
    run_flags.define_fine_tuning_flags()
    run_flags.define_mode_flags()
    run_flags.define_run_flags()
    flags.adopt_module_key_flags(run_flags)
