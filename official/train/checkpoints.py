"""When a training saves a checkpoint, and which one it goes on from."""

import os
import sys

import tensorflow as tf

from official.run.checkpoints import step_of
from official.run.errors import RunError, short, stopped
from official.train import records
from official.train.watch import Watch


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
    step = step_of(path)
    records.forget_after(model_dir, step)
    print(f"resuming {path}", file=sys.stderr)
    return step


class Checkpoints(tf.keras.callbacks.Callback):
    """Saves every so many steps, before evaluations, at each epoch's end, and when asked to stop.

    A signal (`official.run.signals`) ends the run after the step in progress with a checkpoint; the
    same command goes on from there. See `watch.Watch` for evaluations, and steps that do not end.
    """

    def __init__(self, manager: tf.train.CheckpointManager, every_steps: int, watcher: Watch):
        """Saves through `manager` every `every_steps` steps; 0: only at the end of epochs."""
        super().__init__()
        self._manager = manager
        self._every = every_steps
        self._watch = watcher
        self._saved_step = -1

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves if it is time to; ends the run with RunError if somebody asked for it."""
        if self._watch.stopped_by is not None:
            self.save()
            raise stopped(
                self._watch.stopped_by,
                f"after step {self._step()}; the checkpoint is saved and the same command goes on "
                "from it.",
            )
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
        try:
            with self._watch.saving:
                self._manager.save(checkpoint_number=step)
        except (tf.errors.OpError, OSError) as error:
            _remove_partial(self._manager.directory, step)
            raise RunError(
                f"the checkpoint of step {step} could not be written to "
                f"{self._manager.directory}: {short(error)}. The one before it, "
                f"{self._manager.latest_checkpoint or 'none'}, is whole; make room and run the "
                "same command again."
            ) from error
        self._saved_step = step

    def _step(self) -> int:
        """Returns the updates done."""
        return int(self.model.optimizer.iterations.numpy())


def _remove_partial(directory: str, step: int) -> None:
    """Removes what a failed save left of the checkpoint of `step`."""
    for path in tf.io.gfile.glob(os.path.join(directory, f"model.ckpt-{step}*")):
        if tf.io.gfile.isdir(path):
            tf.io.gfile.rmtree(path)
        else:
            tf.io.gfile.remove(path)
