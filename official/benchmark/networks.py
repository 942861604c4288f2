r"""Measures networks without a checkpoint: inference and training step, one CSV row for each.

    python -m official.benchmark --models=keras_resnet50,resnet50,assemble_resnet50 \
        --mode=inference,train --batch_size=8 --csv=speed.csv

Every network, mode and batch size is measured in a process of its own, so that the peak memory is
its own, and in several rounds that take turns, so that a busy machine slows all of them alike; the
row gives the median round. `--paired` keeps all networks loaded and lets them take turns call by
call (`official.benchmark.turns`), which shows smaller differences.

`inference` is the network as exported (batch norm folded), `train` is a whole step: forward, loss,
gradients, momentum, with the settings of `official.train`. Weights and images are random.
`original_NAME` is the network in the operations of the original repository.
"""

import csv
import dataclasses
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf
from absl import flags

from nets import NAMED_MODELS, build_model, cost, fold_batch_norm, named_config
from official import quiet_tensorflow
from official.benchmark import original_graph
from official.run import devices, files
from official.run.errors import RunError
from official.run.recipe import DTYPES, RecipeConfig
from official.train import step as training

FLAGS = flags.FLAGS
MODES = ("inference", "train")
# The yardstick: the ResNet-50 that comes with Keras.
YARDSTICK = "keras_resnet50"
_DROP_BLOCK = "+dropblock"
_ORIGINAL = "original_"
_CLASSES = 1001
_RESULT = "RESULT "
COLUMNS = (
    "model", "mode", "image_size", "batch_size", "precision", "images_per_second", "milliseconds",
    "slowest_milliseconds", "relative", "relative_low", "relative_high", "parameters", "gflops",
    "peak_memory_mb", "rounds", "device", "tensorflow",
)  # fmt: skip

# (cases, rounds, seconds, device) to CSV rows.
Measure = Callable[[list["Case"], int, float, str], list[dict]]


@dataclasses.dataclass(frozen=True)
class Case:
    """What is measured.

    Attributes:
      model: key of `nets.NAMED_MODELS` (`NAME+dropblock` trains with DropBlock,
        `original_NAME` has the original's operations), or `keras_resnet50`.
      mode: `inference` or `train`.
      batch_size: images per call.
      image_size: side of the images; 0: the model's own for the mode.
      precision: fp32, fp16 or bf16.
      fold: whether `inference` folds batch norm.
    """

    model: str
    mode: str
    batch_size: int
    image_size: int = 0
    precision: str = "fp32"
    fold: bool = True

    def __post_init__(self):
        """Refuses what cannot be measured.

        Raises:
          RunError: the value, and what would be right.
        """
        if self.model != YARDSTICK:
            try:
                named_config(self.name)
            except ValueError as error:
                raise RunError(f"--models: {error}") from error
        if self.is_original and (self.model.endswith(_DROP_BLOCK) or self.precision != "fp32"):
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
        if self.image_size or self.model == YARDSTICK:
            return self.image_size or 224
        variant = NAMED_MODELS[self.name]
        return variant.image_size if self.mode == "inference" else variant.train_image_size


def build(case: Case) -> tuple[tf.keras.Model, float]:
    """Returns the network of a case and its billions of multiply-adds for one image."""
    shape = (case.size, case.size, 3)
    if case.model == YARDSTICK:
        network = tf.keras.applications.ResNet50(weights=None, classes=_CLASSES, input_shape=shape)
        # That of Keras has the stride of a block on its first 1x1 convolution, the original and
        # ours on the 3x3, which therefore costs more.
        same = named_config("resnet50", use_resnet_b=False)
        return network, cost(same, case.size).multiply_adds / 1e9
    drop_block = case.mode == "train" and case.model.endswith(_DROP_BLOCK)
    config = named_config(case.name, use_dropblock=drop_block)
    gflops = cost(config, case.size).multiply_adds / 1e9
    if case.is_original:
        return original_graph.build(config, shape, grouped=case.mode == "inference"), gflops
    return build_model(config, shape), gflops


def prepare(case: Case) -> tuple[Callable[[], None], dict[str, float | int]]:
    """Returns a function that does one call and waits for its result, and facts of the network."""
    devices.set_precision(case.precision)
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
    if case.fold and case.precision == "fp32" and case.model != YARDSTICK:
        network = fold_batch_norm(network)
    infer = tf.function(lambda batch: network(batch, training=False))
    return lambda: infer(images).numpy(), facts


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
    if case.model == YARDSTICK:
        # The trainer wants logits; that of Keras ends in a softmax, which costs next to nothing.
        network = tf.keras.Model(network.input, tf.cast(network.output, tf.float32))
    model = training.Trainer(network, recipe, total_steps=1000)
    optimizer = training.make_optimizer(recipe, num_images=1000 * case.batch_size)
    optimizer.build(network.trainable_variables)
    model.compile(optimizer=optimizer)
    labels = tf.one_hot(tf.range(case.batch_size) % _CLASSES, _CLASSES)
    step = tf.function(lambda: model.train_step((images, {"labels": labels}))["loss"])
    return lambda: step().numpy()


def measure(case: Case, seconds: float) -> dict[str, float | int]:
    """Measures one case in this process.

    Args:
      case: what to measure.
      seconds: how long, after two calls that are not counted; at least three calls.

    Returns:
      milliseconds (median call), slowest_milliseconds, parameters, gflops, peak_memory_mb (of the
      GPU where there is one, else of the process).
    """
    call, facts = prepare(case)
    for _ in range(2):
        call()
    times: list[float] = []
    while len(times) < 3 or sum(times) < 1000 * seconds:
        times.append(milliseconds(call))
    return {
        "milliseconds": statistics.median(times),
        "slowest_milliseconds": max(times),
        "peak_memory_mb": peak_memory_mb(),
        **facts,
    }


def milliseconds(call: Callable[[], None]) -> float:
    """Returns how long one call takes."""
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


def peak_memory_mb() -> int:
    """Megabytes at the peak: of the first GPU, or the resident memory of this process."""
    if tf.config.list_physical_devices("GPU"):
        return round(tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e6)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round((peak if sys.platform == "darwin" else 1024 * peak) / 1e6)


def rows(cases: list[Case], rounds: int, seconds: float, device: str) -> list[dict]:
    """Measures all cases `rounds` times, in turn, each time in a new process.

    Raises:
      RunError: a process failed; its last lines are given.
    """
    found: dict[Case, list[dict]] = {case: [] for case in cases}
    for number in range(rounds):
        for case in cases:
            result = _in_a_process(case, seconds)
            found[case].append(result)
            print(
                f"round {number + 1}/{rounds}  {case.model} {case.mode} {case.size} px, batch "
                f"{case.batch_size}: {result['milliseconds']:.1f} ms",
                file=sys.stderr,
            )
    return table(found, device)


def table(found: dict[Case, list[dict]], device: str) -> list[dict]:
    """Returns one CSV row per case.

    Args:
      found: results of `measure` per case, in order; those of one round at the same place.
      device: its name.

    Returns:
      Rows with the keys `COLUMNS`. `relative` is the median over the rounds of milliseconds divided
      by those of the first case of the same mode and batch size, in the same round; `relative_low`
      and `relative_high` are the quartiles.
    """
    lines = []
    for case, results in found.items():
        times = [result["milliseconds"] for result in results]
        first = next(
            other
            for other in found
            if (other.mode, other.batch_size) == (case.mode, case.batch_size)
        )
        yardstick = [result["milliseconds"] for result in found[first]]
        low, middle, high = np.percentile(np.divide(times, yardstick), [25, 50, 75])
        median = statistics.median(times)
        row = {
            "model": case.model,
            "mode": case.mode,
            "image_size": case.size,
            "batch_size": case.batch_size,
            "precision": case.precision,
            "images_per_second": round(1000 * case.batch_size / median, 2),
            "milliseconds": round(median, 2),
            "slowest_milliseconds": round(max(r["slowest_milliseconds"] for r in results), 2),
            "relative": round(middle, 3),
            "relative_low": round(low, 3),
            "relative_high": round(high, 3),
            "parameters": results[0]["parameters"],
            "gflops": results[0]["gflops"],
            "peak_memory_mb": max(result["peak_memory_mb"] for result in results),
            "rounds": len(results),
            "device": device,
            "tensorflow": tf.__version__,
        }
        lines.append(row)
    return lines


def _in_a_process(case: Case, seconds: float) -> dict:
    """Runs `measure` in a new Python process."""
    task = json.dumps({**dataclasses.asdict(case), "seconds": seconds})
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    done = subprocess.run(
        [sys.executable, "-m", "official.benchmark.networks", task],
        cwd=root,
        env=quiet_tensorflow.environment(training=case.mode == "train"),
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(_RESULT)]
    if done.returncode or not lines:
        raise failure(case, done.stderr, done.returncode)
    return json.loads(lines[-1][len(_RESULT) :])


def failure(case: Case, messages: str, status: int) -> RunError:
    """Returns the error of a process that measured `case` and said `messages`."""
    tail = messages.strip().splitlines()[-3:] or [f"exit status {status}"]
    return RunError(f"{case.model} {case.mode}, batch {case.batch_size}: {' '.join(tail)}")


def run(names: list[str], batch_sizes: list[int], device: str, measure_all: Measure) -> None:
    """Measures what the flags say; prints the CSV, and writes it to --csv.

    Args:
      names: of the networks.
      batch_sizes: images per call.
      device: its name.
      measure_all: `rows`, or `benchmark_turns.rows`.
    """
    cases = [
        Case(name, mode, size, FLAGS.image_size, FLAGS.dtype, FLAGS.fold_batch_norm)
        for name in names
        for mode in FLAGS.mode
        for size in batch_sizes
    ]
    cases = list(dict.fromkeys(cases))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(measure_all(cases, FLAGS.rounds, FLAGS.seconds, device))
    print(buffer.getvalue(), end="")
    if FLAGS.csv:
        files.write_text(FLAGS.csv, buffer.getvalue())


def define_flags() -> None:
    """Defines the flags of this mode."""
    flags.DEFINE_list(
        "models",
        [],
        "Measure these networks without a checkpoint: names that `python -m official.models` "
        f"lists (NAME{_DROP_BLOCK} trains with DropBlock, {_ORIGINAL}NAME has the original's "
        f"operations), and {YARDSTICK}, the yardstick.",
    )
    flags.DEFINE_list("mode", list(MODES), "What to measure of --models: inference, train.")
    flags.DEFINE_enum("dtype", "fp32", list(DTYPES), "Precision for --models.")
    flags.DEFINE_boolean("fold_batch_norm", True, "For --models: fold batch norm, as export does.")
    flags.DEFINE_boolean(
        "paired",
        False,
        "For --models: keep all of them loaded and let them take turns call by call, at least "
        "--rounds turns and --seconds of calls in all. Shows smaller differences, and needs the "
        "memory for all of them.",
    )
    flags.DEFINE_string("csv", "", "For --models: also write the rows to this file.")


def _main() -> None:
    """The process of one case: prints its result as one line."""
    task = json.loads(sys.argv[1])
    seconds = task.pop("seconds")
    print(_RESULT + json.dumps(measure(Case(**task), seconds)), flush=True)


if __name__ == "__main__":
    _main()
