"""One training step, for `Model.fit`."""

import functools
from collections.abc import Sequence

import tensorflow as tf

import preprocessing
from official.evaluate.scorer import Scorer
from official.input.mixing import mix_batch
from official.run.recipe import RecipeConfig
from official.train import losses, schedules
from official.train.optimizer import Momentum


class Trainer(Scorer):
    """A network with the loss, schedules and scores of the recipe around it.

    DropBlock's keep probability ends at `total_steps` updates. Of `multi_scale`, sides in pixels,
    one is drawn for each training batch; empty: off. `channel_means` are subtracted from bytes.
    """

    def __init__(
        self,
        network: tf.keras.Model,
        recipe: RecipeConfig,
        total_steps: int,
        multi_scale: tuple[int, ...] = (),
        channel_means: Sequence[float] = preprocessing.CHANNEL_MEANS,
    ):
        """Wraps `network`; call inside the strategy's scope."""
        super().__init__(network, name="trainer")
        self.recipe = recipe
        self.total_steps = total_steps
        # A tuple would become a tracked structure of Keras.
        draw_size = functools.partial(preprocessing.draw_size, recipe.seed, sizes=multi_scale)
        self._draw_size = draw_size if multi_scale else None
        self._channel_means = tuple(channel_means)
        self._on_gpu = bool(tf.config.list_logical_devices("GPU"))
        self._decayed = losses.decayed_variables(network)
        self._control = None
        if recipe.use_dropblock:
            self._control = network.get_layer("drop_block_control")
        names = ["loss", "cross_entropy", "l2_loss"]
        if recipe.kd_temp > 0:
            names.append("cross_entropy_kd")
        self._means = {name: tf.keras.metrics.Mean(name=name) for name in names}
        # Mixed labels have no single right answer, so there is nothing to count with mixup.
        self._train_top1 = None if recipe.mixing.active else tf.keras.metrics.Mean(name="top1")
        self._bad_records = tf.keras.metrics.Sum(name="bad_records", dtype=tf.int64)

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """Returns the metrics that Keras resets at the start of each epoch and evaluation."""
        return [
            *self._means.values(),
            *([self._train_top1] if self._train_top1 else []),
            self._bad_records,
            *self.scores,
        ]

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
        keep_probability = self._set_dropblock(step)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        with tf.GradientTape() as tape:
            logits = self.network(images, training=True)
            terms = self.loss_terms(logits, targets)
            loss = tf.add_n(list(terms.values()))
            # Gradients of the replicas are summed, so each contributes its share of the mean.
            scaled = self._scaled(loss / replicas)
        variables = self.network.trainable_variables
        gradients = self._unscaled(tape.gradient(scaled, variables))
        rate = tf.convert_to_tensor(self.optimizer.learning_rate)
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))

        self._means["loss"].update_state(loss)
        for name, value in terms.items():
            self._means[name].update_state(value)
        result = {name: metric.result() for name, metric in self._means.items()}
        if self._train_top1 is not None:
            hits = tf.equal(tf.argmax(logits, -1), tf.argmax(targets["labels"], -1))
            self._train_top1.update_state(tf.cast(hits, tf.float32))
            result["top1"] = self._train_top1.result()
        if "bad_records" in targets:
            self._bad_records.update_state(targets["bad_records"])
            result["bad_records"] = self._bad_records.result()
        result["learning_rate"] = rate
        if keep_probability is not None:
            result["dropblock_kp"] = keep_probability
        return result

    def loss_terms(self, logits: tf.Tensor, targets: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the terms of the loss, float32 scalars, whose sum is minimised.

        Args:
          logits: [N, C].
          targets: `labels` float32 [N, C] and, with distillation, `teacher` float32 [N, C].
        """
        recipe = self.recipe
        logits = tf.cast(logits, tf.float32)
        terms = {
            "cross_entropy": losses.classification_loss(
                logits, targets["labels"], recipe.label_smoothing, recipe.cls_loss_type
            ),
            "l2_loss": losses.weight_decay_loss(self._decayed, recipe.weight_decay),
        }
        if recipe.kd_temp > 0:
            terms["cross_entropy_kd"] = losses.distillation_loss(
                logits, targets["teacher"], recipe.kd_temp
            )
        return terms

    def _set_dropblock(self, step: tf.Tensor) -> tf.Tensor | None:
        """Hands step and keep probability to the network's DropBlock layers, if it has any."""
        if self._control is None:
            return None
        first, last = self.recipe.dropblock_kp
        value = schedules.keep_probability(step, first, last, self.total_steps)
        self._control.keep_prob.assign(value)
        self._control.step.assign(tf.cast(step, self._control.step.dtype))
        return value

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


def make_optimizer(recipe: RecipeConfig, num_images: int) -> tf.keras.optimizers.Optimizer:
    """Returns the recipe's optimiser; call inside the strategy's scope.

    With fp16 the loss is scaled by a constant 128, as in the original, or as --loss_scale says.
    """
    rate = schedules.LearningRate(recipe, num_images / recipe.batch_size)
    optimizer = Momentum(learning_rate=rate, momentum=recipe.momentum)
    if recipe.dtype != "fp16":
        return optimizer
    if recipe.loss_scale == "dynamic":
        return tf.keras.mixed_precision.LossScaleOptimizer(optimizer)
    scale = float(recipe.loss_scale or 128)
    return tf.keras.mixed_precision.LossScaleOptimizer(
        optimizer, dynamic=False, initial_scale=scale
    )
