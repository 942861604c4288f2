"""DropBlock: square regions of a feature map are dropped together in training.

Ghiasi et al., "DropBlock: A regularization method for convolutional networks"
(arXiv:1810.12890), algorithm 1, with the scaled drop rate of arXiv:2001.06268, section 3.2.

Randomness is stateless: a mask is a function of the configured seed, the layer's index, the step
and the replica. Keep probability and step are in one place, `DropBlockControl`, which counts the
training calls; a trainer with a schedule of its own sets both.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from nets.layers import PACKAGE, Layer, fixed_arguments, size_of

CONTROL_NAME = "drop_block_control"
# A seed is a number below 2**31; the layer's index and the replica's lie above it, disjoint.
_INDEX_SHIFT = 2**31
_REPLICA_SHIFT = 2**47


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class DropBlockControl(tf.keras.layers.Layer):
    """Holds what all DropBlock layers of a model share: keep probability and step.

    Called on any tensor (its value is not used); returns `(keep_prob, seed)`: a float32 scalar
    and int64 [2], made of the seed on this replica and the step. A call in training adds 1 to the
    step afterwards, so every batch has masks of its own. A trainer with a schedule assigns both
    before each training step; the masks are then those of the step that it assigned:

        control = model.get_layer("drop_block_control")
        control.keep_prob.assign(0.95)
        control.step.assign(step)
    """

    def __init__(self, seed: int = 0, keep_prob: float = 0.9, **kwargs: Any) -> None:
        """Makes the layer, which is float32 under any policy.

        Args:
            seed: Seed of the run, 0 to 2**31 - 1.
            keep_prob: Keep probability until something else is assigned, above 0 and at most 1.
            **kwargs: Of `tf.keras.layers.Layer`.

        Raises:
            ValueError: The keep probability is impossible, another dtype or autocast is given.
        """
        if not 0.0 < keep_prob <= 1.0:
            raise ValueError(
                f"DropBlockControl: keep_prob={keep_prob!r} must be above 0, at most 1"
            )
        super().__init__(**fixed_arguments(self, kwargs, dtype="float32", autocast=False))
        self.seed = seed
        self.first_keep_prob = keep_prob
        self.keep_prob = self._state("keep_prob", tf.float32, keep_prob)
        self.step = self._state("step", tf.int64, 0)

    def _state(self, name: str, dtype: tf.DType, value: float) -> tf.Variable:
        """A scalar that is saved with the model and that no optimiser touches."""
        return self.add_weight(
            name=name,
            shape=(),
            dtype=dtype,
            initializer=tf.keras.initializers.Constant(value),
            trainable=False,
            # One for each replica, all alike: in a loop no replica may wait for the others.
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def call(
        self, inputs: tf.Tensor, training: bool | tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the keep probability and the seed of this step; then counts, in training."""
        del inputs
        replica = tf.constant(0, tf.int64)
        context = tf.distribute.get_replica_context()
        if context is not None:
            replica = tf.cast(context.replica_id_in_sync_group, tf.int64)
        seed = tf.stack([self.seed + replica * _REPLICA_SHIFT, tf.identity(self.step)])
        if tf.is_tensor(training):
            # Without a condition: replicas may not wait for each other inside of one.
            self.step.assign_add(tf.cast(training, tf.int64))
        elif training:
            self.step.assign_add(1)
        return tf.identity(self.keep_prob), seed

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs."""
        return {**super().get_config(), "seed": self.seed, "keep_prob": self.first_keep_prob}


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class DropBlock(Layer):
    """Drops squares of a feature map in training; the identity in inference.

    Called on `[inputs, keep_prob, seed]` with inputs [N, H, W, C] and the two outputs of
    `DropBlockControl`. Output [N, H, W, C]. One mask [1, H, W, C] serves the whole batch; what is
    kept is scaled up by the share that was kept. Where the map is smaller than the block, the
    block shrinks to the map. Costs one multiplication per value, and the mask, whose size does
    not depend on the batch.
    """

    arguments = ("block_size", "gamma_scale", "index")

    def __init__(
        self, block_size: int = 7, gamma_scale: float = 1.0, index: int = 0, **kwargs: Any
    ) -> None:
        """Makes the layer.

        Args:
            block_size: Side of the dropped squares, in cells.
            gamma_scale: Multiplies the drop rate.
            index: Number of this layer in its model; every layer draws numbers of its own.
            **kwargs: Of `tf.keras.layers.Layer`.

        Raises:
            ValueError: `autocast=True`: the keep probability is float32 under any policy.
        """
        super().__init__(**fixed_arguments(self, kwargs, autocast=False))
        self.block_size = block_size
        self.gamma_scale = gamma_scale
        self.index = index

    def call(self, inputs: list[tf.Tensor], training: bool | None = None) -> tf.Tensor:
        """Drops squares of `inputs[0]` if `training`."""
        features, keep_prob, seed = inputs
        if tf.is_tensor(training):
            return tf.cond(
                tf.cast(training, tf.bool),
                lambda: self._drop(features, keep_prob, seed),
                lambda: features,
            )
        return self._drop(features, keep_prob, seed) if training else features

    def _drop(self, features: tf.Tensor, keep_prob: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Draws a mask and applies it."""
        height, width = (size_of(features, axis) for axis in (1, 2))
        block = _smallest(self.block_size, height, width)
        gamma = drop_rate(keep_prob, block, height, width) * self.gamma_scale
        shape = tf.stack([1, height - block + 1, width - block + 1, features.shape[-1]])
        draws = tf.random.stateless_uniform(
            shape, seed + tf.constant([self.index * _INDEX_SHIFT, 0], tf.int64), alg="philox"
        )
        return apply_mask(features, drop_mask(draws, gamma, block))


def drop_rate(keep_prob: Any, block: Any, height: Any, width: Any) -> tf.Tensor:
    """Probability that a cell starts a dropped square, so that about `1 - keep_prob` is dropped.

    float32 scalar: (1 - keep_prob) H W / (b**2 (H - b + 1) (W - b + 1)) for squares of side b.
    """
    cells = tf.cast(height * width, tf.float32)
    starts = tf.cast((height - block + 1) * (width - block + 1), tf.float32)
    area = tf.cast(block * block, tf.float32)
    return (1.0 - keep_prob) * cells / area / starts


def drop_mask(draws: tf.Tensor, gamma: Any, block: Any) -> tf.Tensor:
    """Grows squares from the cells whose draw lies below `gamma`.

    Squares grow by two products with 0-1 band matrices: exact, at any size, and faster on a CPU
    than a max-pool with a window of the block's size.

    Args:
        draws: [1, H - b + 1, W - b + 1, C] in [0, 1), one draw for each place of a square.
        gamma: Probability of a square.
        block: Side b of the squares.

    Returns:
        float32 [1, H, W, C]: 0 where dropped, 1 where kept. Where there is one place only, the
        square fills the map and the mask is [1, 1, 1, C].
    """
    seeds = tf.cast(draws < gamma, draws.dtype)
    if seeds.shape[1] == 1 and seeds.shape[2] == 1:
        return 1.0 - seeds
    rows, columns = (size_of(seeds, axis) for axis in (1, 2))
    channels = seeds.shape[-1]
    grown = tf.matmul(_band(rows, block), tf.reshape(seeds, [rows, columns * channels]))
    grown = tf.reshape(grown, [-1, columns, channels])
    grown = tf.matmul(_band(columns, block), grown)
    return tf.cast(grown < 0.5, draws.dtype)[tf.newaxis]


def _band(places: Any, block: Any) -> tf.Tensor:
    """[places + block - 1, places]: 1 where a square that starts at a place covers the cell."""
    cells = tf.range(places + block - 1)[:, tf.newaxis]
    distance = cells - tf.range(places)
    return tf.cast((distance >= 0) & (distance < block), tf.float32)


def apply_mask(features: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Multiplies [N, H, W, C] by a mask of `drop_mask` and divides by the share that it keeps."""
    total = tf.cast(tf.size(mask), tf.float32)
    scale = total / (tf.reduce_sum(mask) + 1e-8)
    return features * tf.cast(mask * scale, features.dtype)


def _smallest(block: int, height: Any, width: Any) -> Any:
    """The block's side, shrunk to the map; a number where the map's size is known."""
    if isinstance(height, int) and isinstance(width, int):
        return min(block, height, width)
    return tf.minimum(block, tf.minimum(height, width))
