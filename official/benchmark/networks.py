"""Networks without a checkpoint, ready to be measured: inference or a training step.

`inference` is the network as exported (batch norm folded), `train` is a whole step: forward, loss,
gradients, momentum, with the settings of `official.train`. Weights and images are random.
`original_NAME` is the network in the operations of the original repository.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from nets import NAMED_MODELS, build_model, cost, fold_batch_norm, named_config
from official.benchmark import original_graph
from official.run.errors import RunError
from official.run.recipe import RecipeConfig
from official.run.recipe_choices import DTYPES
from official.train.optimizer import make_optimizer
from official.train.step import Trainer

MODES = ("inference", "train")
# Networks of Keras, and the side of their images: the yardstick, and the paper's rivals.
KERAS = {
    "keras_resnet50": ("ResNet50", 224), "keras_mobilenet": ("MobileNet", 224),
    "keras_efficientnetb0": ("EfficientNetB0", 224),
    "keras_efficientnetb1": ("EfficientNetB1", 240),
    "keras_efficientnetb2": ("EfficientNetB2", 260),
    "keras_efficientnetb3": ("EfficientNetB3", 300),
    "keras_efficientnetb4": ("EfficientNetB4", 380),
    "keras_efficientnetb5": ("EfficientNetB5", 456),
    "keras_efficientnetb6": ("EfficientNetB6", 528),
    "keras_efficientnetb7": ("EfficientNetB7", 600),
}  # fmt: skip
# What a case may be: a network without a checkpoint, or a file or folder.
NETWORK, MODEL_DIR, SAVED_MODEL = "network", "model_dir", "saved_model"
FILES = ("onnx", "tflite", "tflite_int8", "openvino")
_DROP_BLOCK = "+dropblock"
_ORIGINAL = "original_"
_CLASSES = 1001


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      model: key of `nets.NAMED_MODELS` (`NAME+dropblock` trains with DropBlock,
        `original_NAME` has the original's operations), or of `KERAS`; a path for other kinds.
      mode: `inference` or `train`.
      batch_size: images per call.
      image_size: side of the images; 0: the model's own for the mode.
      precision: fp32, fp16 or bf16.
      fold: whether `inference` folds batch norm.
      kind: `network`, `model_dir`, `saved_model`, or the format of an export that is measured in
        its own runtime: one of `FILES`.
      from_bytes: whether a SavedModel decodes and prepares encoded images, too.
      threads: of ONNX Runtime, LiteRT and OpenVINO; 0: as many as they take.
    """

    model: str
    mode: str
    batch_size: int
    image_size: int = 0
    precision: str = "fp32"
    fold: bool = True
    kind: str = NETWORK
    from_bytes: bool = False
    threads: int = 0

    def __post_init__(self):
        """Raises RunError for what cannot be measured."""
        if self.kind == NETWORK and self.model not in KERAS:
            try:
                named_config(self.name)
            except ValueError as error:
                raise RunError(f"--models: {error}") from error
        if (
            self.is_original
            and self.kind == NETWORK
            and (self.model.endswith(_DROP_BLOCK) or self.precision != "fp32")
        ):
            raise RunError(f"--models={self.model}: the original's form is FP32, without DropBlock")
        if self.mode not in MODES:
            raise RunError(f"--mode must be out of {', '.join(MODES)}. Received: {self.mode!r}")
        if self.precision not in DTYPES:
            raise RunError(f"--dtype must be one of {list(DTYPES)}. Received: {self.precision!r}")

    @property
    def name(self) -> str:
        """The model's name in the registry."""
        return self.model.removeprefix(_ORIGINAL).removesuffix(_DROP_BLOCK)

    @property
    def is_original(self) -> bool:
        """Whether the original's operations are measured."""
        return self.model.startswith(_ORIGINAL)

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        if self.image_size or self.kind != NETWORK:
            return self.image_size
        if self.model in KERAS:
            return KERAS[self.model][1]
        variant = NAMED_MODELS[self.name]
        return variant.image_size if self.mode == "inference" else variant.train_image_size


def build(case: Case) -> tuple[tf.keras.Model, float]:
    """Returns the network of a case and its billions of multiply-adds for one image."""
    shape = (case.size, case.size, 3)
    if case.model in KERAS:
        make = getattr(tf.keras.applications, KERAS[case.model][0])
        network = make(weights=None, classes=_CLASSES, input_shape=shape)
        return network, multiply_adds(network) / 1e9
    drop_block = case.mode == "train" and case.model.endswith(_DROP_BLOCK)
    config = named_config(case.name, use_dropblock=drop_block)
    gflops = cost(config, case.size).multiply_adds / 1e9
    if case.is_original:
        return original_graph.build(config, shape, grouped=case.mode == "inference"), gflops
    return build_model(config, shape), gflops


def gflops_of(case: Case) -> float:
    """Returns billions of multiply-adds for an image, without building it; 0 for Keras'."""
    if case.model in KERAS:
        return 0.0
    return cost(named_config(case.name), case.size).multiply_adds / 1e9


def prepare(case: Case) -> tuple[Callable[[], None], dict[str, float | int]]:
    """Returns a function that does one call and waits for its result, and facts of the network."""
    tf.keras.mixed_precision.set_global_policy(DTYPES[case.precision])
    tf.keras.utils.set_random_seed(0)
    network, gflops = build(case)
    facts = {"parameters": network.count_params(), "gflops": round(gflops, 3)}
    random = np.random.default_rng(0)
    shape = (case.batch_size, case.size, case.size, 3)
    images = tf.constant(random.uniform(-120, 150, shape).astype(np.float32))
    _scatter(network, random)
    if case.mode == "train":
        return _training_step(case, network, images), facts
    if case.is_original:
        return original_graph.frozen(network, images.numpy()), facts
    if case.fold and case.precision == "fp32" and case.model not in KERAS:
        network = fold_batch_norm(network)
    infer = tf.function(lambda batch: network(batch, training=False))
    return lambda: infer(images).numpy(), facts


def multiply_adds(network: tf.keras.Model) -> int:
    """Counts the multiplications with addition of convolutions and dense layers for one image.

    As `nets.cost` does, of a functional Keras model whose sizes are known.
    """
    total = 0
    for layer in network.layers:
        kernel = next((w for w in layer.weights if "kernel" in w.name), None)
        if kernel is None:
            continue
        places = math.prod(layer.output.shape[1:3]) if layer.output.shape.rank == 4 else 1
        total += places * math.prod(kernel.shape)
    return total


def _scatter(network: tf.keras.Model, random: np.random.Generator) -> None:
    """Moves batch norm off its initial zeros and ones, which TensorFlow would optimise away."""
    for layer in network.submodules:
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            for variable in (layer.gamma, layer.moving_variance):
                variable.assign(random.uniform(0.5, 1.0, variable.shape))
            for variable in (layer.beta, layer.moving_mean):
                variable.assign(random.uniform(-0.1, 0.1, variable.shape))


def _training_step(case: Case, network: tf.keras.Model, images: tf.Tensor) -> Callable[[], None]:
    """Returns one update by the trainer of `official.train`."""
    has_drop_block = any(layer.name == "drop_block_control" for layer in network.layers)
    recipe = RecipeConfig(
        batch_size=case.batch_size,
        dtype=case.precision,
        use_dropblock=has_drop_block,
        learning_rate_decay_type="fixed",
        base_learning_rate=1e-3,
        weight_decay=1e-4,
        label_smoothing=0.1,
    )
    if case.model in KERAS:
        # The trainer wants logits; those of Keras end in a softmax, which costs next to nothing.
        network = tf.keras.Model(network.input, tf.cast(network.output, tf.float32))
    model = Trainer(network, recipe, total_steps=1000)
    optimizer = make_optimizer(recipe, num_images=1000 * case.batch_size)
    optimizer.build(network.trainable_variables)
    model.compile(optimizer=optimizer)
    labels = tf.one_hot(tf.range(case.batch_size) % _CLASSES, _CLASSES)
    step = tf.function(lambda: model.train_step((images, {"labels": labels}))["loss"])
    return lambda: step().numpy()
