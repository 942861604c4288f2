"""An epoch that was interrupted: its sums go on, and an end that was not reached is made up for."""

from collections.abc import Sequence

import tensorflow as tf

from official.train.progress import Times
from official.train.step import Trainer


def state(model: Trainer, times: Times) -> tf.train.Checkpoint:
    """Returns what a checkpoint holds of the epoch in progress."""
    return tf.train.Checkpoint(times=times, **model.sums)


class GoOn(tf.keras.callbacks.Callback):
    """Gives the first epoch the sums back that were restored: Keras resets them when it begins."""

    def __init__(self, model: Trainer, goes_on: bool):
        """Keeps the sums of `model` if the first epoch `goes_on`."""
        super().__init__()
        self._kept = {name: sum_.get_weights() for name, sum_ in model.sums.items()}
        self._goes_on = goes_on

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Puts the sums back, once."""
        if self._goes_on:
            for name, weights in self._kept.items():
                self.model.sums[name].set_weights(weights)
        self._goes_on = False


def end_epoch(
    model: Trainer,
    callbacks: Sequence[tf.keras.callbacks.Callback],
    epoch: int,
    validation: tf.data.Dataset | None,
    with_bad_records: bool,
) -> None:
    """Does what `Model.fit` does when the last step of an epoch is done.

    Args:
      model: restored, with the sums of the epoch.
      callbacks: those of the training.
      epoch: its number, from 0.
      validation: what it is scored on; None: this epoch is not.
      with_bad_records: whether bad records are counted.
    """
    called = tf.keras.callbacks.CallbackList(list(callbacks), model=model)
    called.on_train_begin()
    called.on_epoch_begin(epoch)
    logs = {k: v.numpy() for k, v in model.epoch_logs(with_bad_records).items()}
    if validation is not None:
        scores = model.evaluate(validation, verbose=0, callbacks=called, return_dict=True)
        logs.update({f"val_{name}": value for name, value in scores.items()})
    called.on_epoch_end(epoch, logs)
    called.on_train_end(logs)
