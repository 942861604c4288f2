"""One training step, for `Model.fit`."""

import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

import preprocessing
from official.evaluate.scorer import Scorer
from official.input.mixing import mix_batch
from official.run.recipe import RecipeConfig
from official.train import accumulation, averaging, optimizer, schedules
from official.train.objective import Objective


class Trainer(Scorer):
    """A network with the loss, schedules and scores of the recipe around it.

    DropBlock's keep probability ends at `total_steps` updates. Of `multi_scale`, sides in pixels,
    one is drawn for each training batch; empty: off. `channel_means` are subtracted from bytes.

    Attributes:
      sums: metrics of the epoch so far, by name; a part of every checkpoint.
      averaged: a network like `network` for the average of its weights; None: there is none.
      plateau: what the rate is multiplied by, where that follows from scores; None: it does not.
      learning: what a batch goes through: the network, or the part of it behind the features that
        the input gives.
    """

    def __init__(
        self,
        network: tf.keras.Model,
        recipe: RecipeConfig,
        total_steps: int,
        multi_scale: tuple[int, ...] = (),
        channel_means: Sequence[float] = preprocessing.CHANNEL_MEANS,
        averaged: tf.keras.Model | None = None,
        class_weights: Sequence[float] = (),
        teach: Callable[[tf.Tensor], tf.Tensor] | None = None,
    ):
        """Wraps `network`; call inside the strategy's scope.

        `averaged` is needed with `ema_decay`; `class_weights` are as `losses` has them; `teach` is
        a teacher that runs along, see `teaching`.
        """
        super().__init__(network, name="trainer")
        self.averaged = averaged
        self.learning = network
        self.recipe = recipe
        self.total_steps = total_steps
        # A tuple would become a tracked structure of Keras.
        draw_size = functools.partial(preprocessing.draw_size, recipe.seed, sizes=multi_scale)
        self._draw_size = draw_size if multi_scale else None
        self._channel_means = tuple(channel_means)
        self._on_gpu = bool(tf.config.list_logical_devices("GPU"))
        self._teach = teach
        self._objective = Objective(network, recipe, class_weights)
        self.plateau = None
        if recipe.learning_rate_decay_type == "plateau":
            self.plateau = tf.Variable(1.0, trainable=False, name="plateau")
        self._control = None
        if recipe.use_dropblock:
            self._control = network.get_layer("drop_block_control")
        names = ["loss", *self._objective.names, "weight_norm"]
        # float64: exact sums of float32 values, however they are divided among devices and starts.
        sums = {name: tf.keras.metrics.Mean(name=name, dtype=tf.float64) for name in names}
        # Mixed labels have no single right answer, so there is nothing to count with mixup.
        if not recipe.mixing.active:
            sums["top1"] = tf.keras.metrics.Mean(name="top1", dtype=tf.float64)
        sums["bad_records"] = tf.keras.metrics.Sum(name="bad_records", dtype=tf.float64)
        if recipe.scales_loss_dynamically:
            sums["skipped_steps"] = tf.keras.metrics.Sum(name="skipped_steps", dtype=tf.float64)
        self.sums = sums

    @property
    def scored(self) -> tf.keras.Model:
        """Returns the network that is scored and exported."""
        return self.averaged or self.network

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Returns the metrics that Keras resets at the start of each epoch and evaluation."""
        return [*self.sums.values(), *self.scores]

    def train_step(self, batch: tuple[tf.Tensor, dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """Does one update; see `official.input.pipeline.training_dataset` for `batch`."""
        images, targets = batch
        step = self.optimizer.iterations
        if "mixing" in targets:
            images, targets = mix_batch(
                images, targets, self.recipe, not self._on_gpu, self._channel_means
            )
        images = preprocessing.to_input(images, self._channel_means)
        if self._draw_size is not None:
            images = preprocessing.resize_batch(images, self._draw_size(step))
        variables = self.network.trainable_variables
        gradients, terms, hits = accumulation.sum_of_pieces(
            self._gradients, (images, targets), self.recipe.accumulation_steps, self._zeros
        )
        if self.recipe.cycles_momentum:
            momentum = schedules.momentum(step, self.recipe, self.total_steps)
            optimizer.momentum_of(self.optimizer).assign(momentum)
        skipped = self._apply(gradients, variables)
        if self.averaged is not None:
            decay = averaging.decay_after(self.optimizer.iterations, self.recipe.ema_decay)
            share = tf.where(skipped, 0.0, 1.0 - decay)
            averaging.update(self.averaged, self.network, share)

        # A loss of the old weights can be finite where nothing will be with the new ones.
        squares = [2 * tf.nn.l2_loss(tf.cast(weight, tf.float32)) for weight in variables]
        self.sums["weight_norm"].update_state(tf.sqrt(tf.add_n(squares)))
        for name, value in terms.items():
            self.sums[name].update_state(value)
        if "top1" in self.sums:
            # As many ones as were right: the mean counts them one by one.
            size = tf.shape(images)[0]
            self.sums["top1"].update_state(tf.sequence_mask(hits, size, tf.float32))
        if "bad_records" in targets:
            self.sums["bad_records"].update_state(targets["bad_records"])
        return self.epoch_logs("bad_records" in targets)

    def _gradients(
        self, images: tf.Tensor, targets: dict[str, tf.Tensor]
    ) -> tuple[list[tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
        """Returns what a piece of the batch adds: to gradients, to terms of the loss, to hits."""
        pieces = self.recipe.accumulation_steps
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        # In the loop, since the network counts its calls: every piece has the masks of the step.
        self._set_dropblock(self.optimizer.iterations)
        # Views of the same images (AugMix) go through the network together, the clean ones first.
        views = tf.unstack(images, axis=1) if images.shape.rank == 5 else [images]
        if self._teach is not None:
            targets = {**targets, "teacher": self._teach(views[0])}
        with tf.GradientTape() as tape:
            logits = self.learning(tf.concat(views, axis=0), training=True)
            logits, *others = tf.split(logits, len(views))
            terms = self._objective.terms(logits, targets, others)
            terms["loss"] = self._objective.total(terms)
            # Gradients of the replicas are summed, so each contributes its share of the mean.
            scaled = self._scaled(terms["loss"] / (replicas * pieces))
        gradients = self._unscaled(tape.gradient(scaled, self.network.trainable_variables))
        hits = tf.equal(tf.argmax(logits, -1), tf.argmax(targets["labels"], -1))
        terms = {name: value / pieces for name, value in terms.items()}
        return gradients, terms, tf.reduce_sum(tf.cast(hits, tf.int32))

    def _zeros(self) -> tuple[list[tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
        """Returns zeros of the shapes that `_gradients` has."""
        gradients = [tf.zeros(variable.shape) for variable in self.network.trainable_variables]
        terms = dict.fromkeys((*self._objective.names, "loss"), 0.0)
        return gradients, terms, tf.constant(0)

    def epoch_logs(self, with_bad_records: bool) -> dict[str, tf.Tensor]:
        """Returns sums of the epoch so far, and the settings of its last update, float scalars."""
        logs = {
            name: metric.result()
            for name, metric in self.sums.items()
            if with_bad_records or name != "bad_records"
        }
        logs["learning_rate"] = tf.convert_to_tensor(self.optimizer.learning_rate)
        if self.recipe.cycles_momentum:
            logs["momentum"] = tf.convert_to_tensor(optimizer.momentum_of(self.optimizer))
        if self._control is not None:
            logs["dropblock_kp"] = tf.convert_to_tensor(self._control.keep_prob)
        if "skipped_steps" in self.sums:
            logs["loss_scale"] = tf.convert_to_tensor(self.optimizer.loss_scale)
        return logs

    def _apply(self, gradients: list[tf.Tensor], variables: list[tf.Variable]) -> tf.Tensor | bool:
        """Updates the weights; returns whether a dynamic loss scale skips it, and counts that."""
        pairs = zip(gradients, variables, strict=True)
        if "skipped_steps" not in self.sums:
            self.optimizer.apply_gradients(pairs)
            return False
        before = tf.convert_to_tensor(self.optimizer.loss_scale)
        self.optimizer.apply_gradients(pairs)
        # Good steps are counted from 0 after one that is not, and after the scale has grown.
        skipped = (self.optimizer.dynamic_counter == 0) & (self.optimizer.loss_scale <= before)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self.sums["skipped_steps"].update_state(tf.cast(skipped, tf.float64) / replicas)
        return skipped

    def _set_dropblock(self, step: tf.Tensor) -> None:
        """Hands step and keep probability to the network's DropBlock layers, if it has any."""
        if self._control is None:
            return
        first, last = self.recipe.dropblock_kp
        value = schedules.keep_probability(step, first, last, self.total_steps)
        self._control.keep_prob.assign(value)
        self._control.step.assign(tf.cast(step, self._control.step.dtype))

    def _scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """Returns the loss times the loss scale, where there is one."""
        if hasattr(self.optimizer, "get_scaled_loss"):
            return self.optimizer.get_scaled_loss(loss)
        return loss

    def _unscaled(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Returns the gradients divided by the loss scale, where there is one."""
        if hasattr(self.optimizer, "get_unscaled_gradients"):
            return self.optimizer.get_unscaled_gradients(gradients)
        return gradients
