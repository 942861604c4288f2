"""The exported model: a TensorFlow module that takes encoded images, or prepared ones."""

import contextlib
from collections.abc import Iterator

import tensorflow as tf

import preprocessing
from official.run.export_options import WEIGHTS, ExportOptions
from preprocessing import PreprocessingConfig, checks

# What is answered about an image that is not good.
NO_CLASS = -1


class ServingModule(tf.Module):
    """A network with its preprocessing, for `tf.saved_model.save`.

    Signatures: `serving_default` (input `image_bytes`, string [N], encoded images) and `images`
    (input `images`, float32 [N, S, S, 3], prepared as for evaluation; another size is an error when
    it is called, unless the export takes any). Outputs of both: `classes` int64 [N],
    `probabilities` float32 [N, C], `logits` float32 [N, C], `embedding` float32 [N, D]; only the
    last one for `export_embedding_only`.

    `serving_default` has `status` int32 [N] besides, a key of `preprocessing.checks.MEANINGS`. An
    image that is not good has class -1 and zeros; the others of its batch are answered as alone.
    """

    def __init__(
        self,
        network: tf.keras.Model,
        config: PreprocessingConfig,
        assets: dict[str, str],
        options: ExportOptions | None = None,
    ):
        """Takes a float32 network with a layer `embedding`, and files to travel along by name."""
        super().__init__(name="serving")
        self.options = options or ExportOptions()
        outputs = [network.outputs[0], network.get_layer("embedding").output]
        self._network = _Untracked(network, tf.keras.Model(network.inputs, outputs))
        # Only the variables are tracked: a tracked Keras model would be traced layer by layer,
        # which takes minutes and writes functions that nobody calls.
        kind = tf.as_dtype(WEIGHTS[self.options.export_weights])
        self.weights = [
            value if kind == tf.float32 else tf.Variable(tf.cast(value, kind), trainable=False)
            for value in self._network.both.variables
        ]
        self.preprocessing = config
        self.assets = {name: tf.saved_model.Asset(path) for name, path in assets.items()}
        batch = self.options.export_batch_size or None
        self.from_bytes = tf.function(
            self._from_bytes, input_signature=[tf.TensorSpec([batch], tf.string, "image_bytes")]
        )
        # Nobody compares what comes with a fixed shape, and checks against one are left out.
        self.from_images = tf.function(
            self._from_images,
            input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, "images")],
        )

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """Returns the concrete functions by signature name."""
        return {
            "serving_default": self.from_bytes.get_concrete_function(),
            "images": self.from_images.get_concrete_function(),
        }

    def static(self, batch_size: int | None) -> tf.types.experimental.GenericFunction:
        """Returns what converters to other formats take: `images` of one size, without checks."""
        size = self.preprocessing.eval_size
        shape = tf.TensorSpec([batch_size, size, size, 3], tf.float32, "images")
        return tf.function(self._predict, input_signature=[shape])

    def _from_bytes(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Decodes, prepares and classifies encoded images, string [N]."""
        status, images = self._prepare(image_bytes)
        good = tf.equal(status, checks.GOOD)
        answers = self._predict(images)
        for name, values in answers.items():
            nothing = NO_CLASS if name == "classes" else 0
            mask = good if values.shape.rank == 1 else good[:, tf.newaxis]
            answers[name] = tf.where(mask, values, tf.cast(nothing, values.dtype))
        return {**answers, "status": status}

    @tf.autograph.experimental.do_not_convert
    def _prepare(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the status of each encoded image, int32 [N], and its input [N, S, S, 3].

        A pipeline inside the graph: it works on many images at a time, and an image that a decoder
        gives up on is missing at its end, without an error for the others. The places of those that
        arrive tell which. One image of zeros, last, makes sure that there is any.
        """
        count = tf.shape(image_bytes, tf.int64)[0]
        some = tf.debugging.Assert(count > 0, ["image_bytes must be [N], N at least 1, not", count])
        with tf.control_dependencies([some]):
            count = tf.identity(count)
        size = self.preprocessing.eval_size
        max_pixels = self.options.max_pixels

        def prepare(place: tf.Tensor, encoded: tf.Tensor) -> tuple[tf.Tensor, ...]:
            status = checks.status_of(encoded, self.preprocessing, max_pixels)
            image = tf.cond(
                tf.equal(status, checks.GOOD),
                lambda: preprocessing.eval_image(encoded, self.preprocessing),
                lambda: tf.zeros([size, size, 3]),
            )
            return place, status, tf.ensure_shape(image, [size, size, 3])

        # Where there is a GPU too: nothing here runs on one.
        with tf.device("/device:CPU:0"):
            images = tf.data.Dataset.from_tensor_slices((tf.range(count), image_bytes))
            images = images.map(prepare, tf.data.AUTOTUNE, deterministic=False).ignore_errors()
            last = (count, tf.constant(checks.DAMAGED), tf.zeros([size, size, 3]))
            images = images.concatenate(tf.data.Dataset.from_tensors(last))
            places, found, arrived = images.batch(count + 1).get_single_element()
            # Above all places there is one more, for the last.
            status = tf.fill([count + 1], checks.DAMAGED)
            status = tf.tensor_scatter_nd_update(status, places[:, tf.newaxis], found)[:-1]
            shape = tf.stack([count + 1, size, size, 3])
            prepared = tf.scatter_nd(places[:, tf.newaxis], arrived, shape)[:-1]
        batch = image_bytes.shape[0]
        return (
            tf.ensure_shape(status, [batch]),
            tf.ensure_shape(prepared, [batch, size, size, 3]),
        )

    def _from_images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies images of a size, and of a number, that the model was exported for."""
        batch = self.options.export_batch_size or None
        size = None if self.options.takes_any_size else self.preprocessing.eval_size
        shape = tf.shape(images)
        number = shape[0] > 0 if batch is None else tf.equal(shape[0], batch)
        sized = shape[1:3] > 0 if size is None else tf.equal(shape[1:3], size)
        right = tf.logical_and(number, tf.reduce_all(sized))
        sides = "H, W" if size is None else f"{size}, {size}"
        what = f"images must be [{batch or 'N'}, {sides}, 3], prepared as for evaluation, not"
        check = tf.debugging.Assert(right, [what, shape])
        with tf.control_dependencies([check]):
            return self._predict(tf.ensure_shape(images, [batch, size, size, 3]))

    def _predict(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Classifies prepared images, float32 [N, S, S, 3]."""
        with self._network.reading(self.weights):
            logits, embedding = self._network.both(images, training=False)
        embedding = tf.cast(embedding, tf.float32)
        if self.options.export_embedding_only:
            return {"embedding": embedding}
        divided = logits
        if self.options.temperature != 1.0:
            divided = logits / self.options.temperature
        return {
            "classes": tf.argmax(logits, axis=-1, output_type=tf.int64),
            "probabilities": tf.nn.softmax(divided),
            "logits": logits,
            "embedding": embedding,
        }


class _Untracked:
    """A network that a module uses and does not track."""

    def __init__(self, network: tf.keras.Model, both: tf.keras.Model):
        """Takes a network, and one of the same layers that gives logits and embedding."""
        self.both = both
        self._places = [
            (layer, name, value)
            for layer in network.submodules
            for name, value in vars(layer).items()
            if isinstance(value, tf.Variable)
        ]

    @contextlib.contextmanager
    def reading(self, weights: list[tf.Variable]) -> Iterator[None]:
        """Makes layers read `weights`, in the order of the network's, where those are others."""
        stored = {id(own): other for own, other in zip(self.both.variables, weights, strict=True)}
        changed = [place for place in self._places if stored.get(id(place[2])) is not place[2]]
        try:
            for layer, name, own in changed:
                setattr(layer, name, tf.cast(stored[id(own)], tf.float32))
            yield
        finally:
            for layer, name, own in changed:
                setattr(layer, name, own)
