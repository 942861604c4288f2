"""When a training saves a checkpoint, and which one it goes on from."""

import os
import sys

import tensorflow as tf

from official.run import checkpoint_files, history
from official.run.checkpoints import newest, step_of
from official.run.errors import RunError, short, stopped
from official.run.folder import CHECKPOINT_NAME, CONFIG_FILE
from official.train import records
from official.train.watch import Watch


class CheckpointFolder:
    """The checkpoints that a training writes into its MODEL_DIR.

    Used like `tf.train.CheckpointManager`, which takes brackets in a path for a pattern, believes
    its file `checkpoint`, and gives a checkpoint its name before it is on the disk.

    Attributes:
      checkpoint: what is saved.
      directory: MODEL_DIR.
      latest_checkpoint: prefix of the one that was restored or written last; None: there is none.
    """

    def __init__(self, checkpoint: tf.train.Checkpoint, directory: str, max_to_keep: int | None):
        """Keeps the newest `max_to_keep`; None: all."""
        self.checkpoint = checkpoint
        self.directory = directory
        self.latest_checkpoint: str | None = None
        self._keep = max_to_keep

    def save(self, checkpoint_number: int) -> None:
        """Writes the checkpoint of a step, and removes those that are too many.

        Raises:
          RunError, OSError or tf.errors.OpError: see `checkpoint_files.write`.
        """
        name = f"{CHECKPOINT_NAME}-{checkpoint_number}"
        self.latest_checkpoint = checkpoint_files.write(self.checkpoint, self.directory, name)
        # A damaged one of a later step is written again when that is reached.
        known = checkpoint_files.names_of_run(self.directory)
        known = [name for name in known if step_of(name) <= checkpoint_number]
        for old in known[: -self._keep] if self._keep else []:
            checkpoint_files.remove(os.path.join(self.directory, old))


def restore(manager: CheckpointFolder, model_dir: str) -> int:
    """Restores the newest whole checkpoint, if there is one, and returns its step."""
    path = newest(model_dir)
    if path is None:
        return 0
    try:
        with checkpoint_files.plain(path) as plain:
            manager.checkpoint.read(plain).assert_existing_objects_matched()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise RunError(
            f"{path} cannot be restored: {short(error)}. Another version of this program may have "
            f"written it. --pretrained_model_checkpoint_path={path} with a new --model_dir starts "
            "from its weights."
        ) from error
    manager.latest_checkpoint = path
    step = step_of(path)
    records.forget_after(model_dir, step)
    print(f"resuming {path}", file=sys.stderr)
    return step


class Checkpoints(tf.keras.callbacks.Callback):
    """Saves every so many steps, before evaluations, and at each epoch's end."""

    def __init__(self, manager: CheckpointFolder, every_steps: int, watcher: Watch):
        """Saves through `manager` every `every_steps` steps; 0: only at the end of epochs."""
        super().__init__()
        self._manager = manager
        self._birth = history.birth(manager.directory)
        self._every = every_steps
        self._watch = watcher
        self._saved_step = -1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves if it is time to."""
        if self._every and self._step() % self._every == 0:
            self.save()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Saves before an evaluation, so that a failure there loses nothing."""
        self.save()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves at the end of an epoch."""
        self.save()

    def save(self) -> None:
        """Writes a checkpoint unless this step has one.

        Raises:
          RunError: it could not be written; earlier checkpoints are untouched.
        """
        step = self._step()
        if step == self._saved_step:
            return
        self._require_own_folder(step)
        try:
            with self._watch.saving:
                self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError, checkpoint_files.Unusable) as error:
            good = self._manager.latest_checkpoint
            before = f"The last good checkpoint is {good}" if good else "There is none before it"
            way = "make room and run the same command again."
            if isinstance(error, checkpoint_files.Unusable):
                way = (
                    "nothing was saved. Where values are not finite try a lower "
                    "--base_learning_rate or a longer --lr_warmup_epochs."
                )
            raise RunError(
                f"the checkpoint of step {step} could not be written to "
                f"{self._manager.directory}: {short(error)}. {before}; {way}"
            ) from error
        self._saved_step = step

    def _require_own_folder(self, step: int) -> None:
        """Raises RunError where MODEL_DIR is no longer that of this run."""
        folder = self._manager.directory
        there = history.birth(folder)
        gone = not tf.io.gfile.exists(os.path.join(folder, CONFIG_FILE))
        if self._birth and (gone or (there and there != self._birth)):
            raise RunError(
                f"{folder} was removed, moved or emptied while the run wrote there, so step {step} "
                "is not saved. Put the folder back and give the same command to go on from its "
                "last checkpoint; without it the command trains anew."
            )

    def _step(self) -> int:
        """Returns the updates done."""
        return int(self.model.optimizer.iterations.numpy())


class Stop(tf.keras.callbacks.Callback):
    """Ends a training after the step in progress when a signal (`run.signals`) asks for it.

    With a checkpoint, from which the same command goes on. It must be the last callback: what the
    others do of a step would be missing. See `watch.Watch` for evaluations, and for steps that do
    not end.
    """

    def __init__(self, checkpoints: Checkpoints, watcher: Watch):
        """Saves with `checkpoints`; `watcher` has heard the signal."""
        super().__init__()
        self._checkpoints = checkpoints
        self._watch = watcher

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Raises RunError if somebody asked for the end."""
        if self._watch.stopped_by is not None:
            self._checkpoints.save()
            raise stopped(
                self._watch.stopped_by,
                f"after step {int(self.model.optimizer.iterations.numpy())}; the checkpoint is "
                "saved and the same command goes on from it.",
            )
