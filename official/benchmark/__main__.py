"""Measures a SavedModel: images per second and latency, one JSON line per batch size.

    python -m official.benchmark --saved_model DIR --batch_size 64 [--format savedmodel,onnx]

Feeds random images to the signature `images`, so that decoding is not measured, in FP32 without
TF32, as the paper's table 1 does (there: batch 64 on a P40). At least 30 calls are timed, in a
process of their own; images lie on the device, the clock stops when the result is on the host. A
batch that does not fit into the memory is halved, which is said. --from_bytes has decoding in it;
--model_dir measures the network of a run.

    python -m official.benchmark --models=resnet50,assemble_resnet50 --mode=inference,train

measures networks without a checkpoint instead, one CSV row for each, in rounds in which they take
turns (`official/benchmark/turns.py`); `--paired` shows smaller differences;

    python -m official.benchmark --input_only [--data_dir DIR] [--threads 2]

measures the training input, stage by stage.
"""

import json
import os
import sys
import tempfile

import tensorflow as tf
from absl import flags

from nets import ModelConfig
from official.benchmark import (
    input_report,
    made_up_photos,
    table12,
    training_input,
    turns,
)
from official.benchmark.networks import FILES, KERAS, MODEL_DIR, MODES, NETWORK, SAVED_MODEL, Case
from official.command import program
from official.export import serving
from official.input import splits
from official.run import (
    DataConfig,
    RecipeConfig,
    RunConfig,
    RunError,
    allocator,
    devices,
    files,
    paths,
)
from official.run.errors import refusals
from official.run.recipe_choices import DTYPES
from preprocessing import PreprocessingConfig

FLAGS = flags.FLAGS
_INPUT_SIZE = 224


def main() -> None:
    """Prints one JSON line per batch size, the CSV of --models, or a line about the input."""
    if FLAGS.input_only:
        _measure_input()
        return
    if FLAGS.table12:
        _measure_table12()
        return
    if not (FLAGS.saved_model or FLAGS.models or FLAGS.model_dir):
        raise RunError(
            "--saved_model, --model_dir, --models or --input_only must be given; see --help."
        )
    try:
        sizes = [int(value) for value in FLAGS.batch_size]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise RunError(f"--batch_size must be numbers above 0. Received: {FLAGS.batch_size}")
    known = {"savedmodel", *FILES}
    if not set(FLAGS.format) <= known:
        raise RunError(
            f"--format must be some of {', '.join(sorted(known))}. Received: {FLAGS.format}"
        )
    _measure_all(sizes)


def _measure_all(batch_sizes: list[int]) -> None:
    """Prints a line and a JSON line for each measurement, or the CSV of --models; writes --csv."""
    cases = list(dict.fromkeys(_cases(batch_sizes)))
    device = devices.device_name()
    rows = turns.rows(
        cases, FLAGS.rounds, FLAGS.seconds / FLAGS.rounds, device, FLAGS.paired, FLAGS.calls
    )
    text = turns.csv_of(rows)
    if FLAGS.models:
        print(text, end="")
    else:
        for row in rows:
            print(_in_words(row), file=sys.stderr)
            print(json.dumps(_as_json(row)), flush=True)
    if FLAGS.csv:
        files.write_text(FLAGS.csv, text)


def _measure_table12() -> None:
    """Measures the paper's networks; writes --csv (or --output_dir) and --picture."""
    if len(FLAGS.batch_size) != 1 or not FLAGS.batch_size[0].isdecimal():
        raise RunError(f"--batch_size must be one number here. Received: {FLAGS.batch_size}")
    batch, limit = int(FLAGS.batch_size[0]), FLAGS.max_gflops
    chosen = list(table12.cases(batch, limit))
    left_out = {name: size for name, case, size in chosen if case is None}
    device = devices.device_name()
    # Made now, so that nothing is measured for hours that cannot be written.
    target = os.path.join(FLAGS.output_dir, table12.file_name(device, batch))
    paths.make_folder(FLAGS.output_dir)
    measured = turns.rows(
        [case for _, case, _ in chosen if case],
        FLAGS.rounds, FLAGS.seconds / FLAGS.rounds, device, False, FLAGS.calls,
    )  # fmt: skip
    rows = table12.rows(measured, left_out, limit)
    text = turns.csv_of(rows)
    print(text, end="")
    files.write_text(target, text)
    files.write_bytes(f"{target.removesuffix('.csv')}.png", table12.picture(rows, device))
    print(f"wrote {target} and its picture", file=sys.stderr)


def _cases(batch_sizes: list[int]) -> list[Case]:
    """Returns what the flags want to be measured."""
    kinds = [(name, NETWORK, mode) for name in FLAGS.models for mode in FLAGS.mode]
    if FLAGS.model_dir:
        kinds.append((FLAGS.model_dir, MODEL_DIR, "inference"))
    if FLAGS.saved_model:
        path = serving.Exported(FLAGS.saved_model).path
        kinds += [
            (path, SAVED_MODEL if kind == "savedmodel" else kind, "inference")
            for kind in FLAGS.format
        ]
    return [
        Case(
            name, mode, size, FLAGS.image_size if kind in (NETWORK, MODEL_DIR) else 0, FLAGS.dtype,
            FLAGS.fold_batch_norm, kind, FLAGS.from_bytes and kind == SAVED_MODEL, FLAGS.threads,
        )
        for name, kind, mode in kinds
        for size in batch_sizes
    ]  # fmt: skip


def _in_words(row: dict) -> str:
    """Returns a measurement in a line."""
    return (
        f"{row['kind']}, batch {row['batch_size']}: {row['images_per_second']:.1f} images/s, "
        f"{row['milliseconds']:.1f} ms per batch (p50; quartiles {row['milliseconds_low']:.1f} to "
        f"{row['milliseconds_high']:.1f}), {row['milliseconds_p99']:.1f} ms (p99), "
        f"{row['calls']} calls"
    )


def _as_json(row: dict) -> dict:
    """Returns a row with the names that the JSON lines have."""
    latency = {"p50": "milliseconds", "p90": "milliseconds_p90", "p99": "milliseconds_p99"}
    return {
        "saved_model": row["model"],
        **{f"latency_ms_{share}": row[name] for share, name in latency.items()},
        "dtype": "float32",
        **{name: value for name, value in row.items() if name != "model"},
    }


def _measure_input() -> None:
    """Measures the training input; prints a table and one JSON line."""
    if len(FLAGS.batch_size) != 1 or not FLAGS.batch_size[0].isdigit():
        raise RunError(f"--batch_size must be one number here. Received: {FLAGS.batch_size}")
    kept = FLAGS.keep_freed_memory and allocator.keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix="photos-") as folder:
        data_dir, source = FLAGS.data_dir, FLAGS.data_dir
        if not data_dir:
            size = made_up_photos.write_photos(folder, FLAGS.num_images, FLAGS.jpeg_quality)
            data_dir = folder
            source = f"{FLAGS.num_images} made-up JPEGs of about 500 x 375, {size / 1024:.0f} KiB"
        split = splits.find_split(data_dir, FLAGS.train_regex, FLAGS.on_bad_record)
        with refusals():
            config = _input_config(data_dir)
        result = {"source": source, "threads": FLAGS.threads or os.cpu_count() or 1}
        if FLAGS.memory:
            result.update(training_input.measure_memory(config, split))
            lines = input_report.memory_table(result)
        else:
            result.update(input_report.measured(config, split, FLAGS.images_per_run, FLAGS.rounds))
            lines = input_report.table(result)
        print("\n".join(lines), file=sys.stderr)
    result.update(
        batch_size=config.recipe.batch_size,
        mixup_type=config.recipe.mixup_type,
        mixup_on_device=config.recipe.mixup_on_device,
        keep_freed_memory=kept,
        on_bad_record=config.data.on_bad_record,
        **config.preprocessing.to_dict(),
        tensorflow=tf.__version__,
        cores=os.cpu_count(),
    )
    print(json.dumps(result), flush=True)


def _input_config(data_dir: str) -> RunConfig:
    """Returns the run that the flags describe; unlike in training all labels pass."""
    return RunConfig(
        model=ModelConfig(num_classes=FLAGS.num_classes),
        preprocessing=PreprocessingConfig(
            preprocessing_type=FLAGS.preprocessing_type,
            image_size=FLAGS.image_size or _INPUT_SIZE,
            autoaugment_type=FLAGS.autoaugment_type,
            dct_method=FLAGS.dct_method,
        ),
        recipe=RecipeConfig(
            batch_size=int(FLAGS.batch_size[0]),
            mixup_type=FLAGS.mixup_type,
            mixup_on_device=FLAGS.mixup_on_device,
        ),
        data=DataConfig(
            data_dir=data_dir,
            num_classes=FLAGS.num_classes,
            shuffle_buffer=FLAGS.shuffle_buffer,
            private_threads=FLAGS.threads,
            on_bad_record=FLAGS.on_bad_record,
        ),
    )


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("saved_model", "", "Folder that `python -m official.export` wrote.")
    flags.DEFINE_string("model_dir", "", "Measure the network of this run.")
    flags.DEFINE_list(
        "format",
        ["savedmodel"],
        "Formats of the export to measure, each in its own runtime: savedmodel, onnx, tflite, "
        "tflite_int8, openvino.",
    )
    flags.DEFINE_boolean(
        "from_bytes", False, "SavedModel: measure decoding and preparing of JPEGs as well."
    )
    flags.DEFINE_integer("calls", turns.MIN_CALLS, "Timed calls at least, in all rounds.", 1)
    flags.DEFINE_list("batch_size", ["64"], "Images per call; several: 64,1.")
    flags.DEFINE_float(
        "seconds",
        10.0,
        "Time to measure each, in all rounds; --paired: all in all.",
        lower_bound=0.0,
    )
    flags.DEFINE_integer("rounds", 3, "Rounds, in which all take turns.", lower_bound=1)
    flags.DEFINE_integer(
        "image_size",
        0,
        "--models and --input_only: side of the images; 0: each network's, 224 for input.",
        0,
        4096,
    )
    _define_network_flags()
    _define_input_flags()


def _define_network_flags() -> None:
    """Defines the flags of --models."""
    flags.DEFINE_list(
        "models",
        [],
        "Measure these networks without a checkpoint: names that `python -m official.models` "
        "lists (NAME+dropblock trains with DropBlock, original_NAME has the original's "
        f"operations), and those of Keras: {', '.join(KERAS)}.",
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
    flags.DEFINE_boolean(
        "table12",
        False,
        "Measure every network of tables 2, 3, 6, 7 and 12, and Keras' ResNet-50, MobileNet and "
        "EfficientNets, beside the paper's numbers; writes a table and a picture, "
        "OUTPUT_DIR/throughput-DEVICE-fp32-bN.csv and .png.",
    )
    flags.DEFINE_float("max_gflops", 0.0, "--table12: leave larger networks out; 0: none.", 0.0)
    flags.DEFINE_string("output_dir", "results", "--table12: folder of table and picture.")
    flags.DEFINE_string("csv", "", "For --models: also write the rows to this file.")


def _define_input_flags() -> None:
    """Defines the flags of --input_only."""
    flags.DEFINE_boolean(
        "input_only", False, "Measure the training input pipeline instead of a SavedModel."
    )
    flags.DEFINE_string("data_dir", "", "Input: folder of TFRecords; default: made-up photos.")
    flags.DEFINE_string("train_regex", "train-*", "Input: glob of the shards in DATA_DIR.")
    flags.DEFINE_integer("num_classes", 1001, "Input: classes of the labels.", lower_bound=1)
    flags.DEFINE_integer("num_images", 2000, "Input: made-up photos.", lower_bound=16)
    flags.DEFINE_integer("jpeg_quality", 92, "Input: of made-up photos.", 1, 100)
    flags.DEFINE_integer(
        "threads",
        0,
        "Threads of the input, or of --format; 0: they choose.",
        lower_bound=0,
    )
    flags.DEFINE_integer("images_per_run", 1500, "Input: images per run.", lower_bound=1)
    flags.DEFINE_boolean("memory", False, "Input: one pass over the data, watching the memory.")
    flags.DEFINE_string("preprocessing_type", "imagenet_224_256", "Input: as in training.")
    flags.DEFINE_string("autoaugment_type", "imagenet", "Input: policy; empty: off.")
    flags.DEFINE_string("dct_method", "INTEGER_ACCURATE", "Input: as in training.")
    flags.DEFINE_integer("mixup_type", 1, "Input: 0, 1 or 2.", 0, 2)
    flags.DEFINE_boolean(
        "mixup_on_device", True, "Input: as in training; off: mixup is a stage of the pipeline."
    )
    flags.DEFINE_integer("shuffle_buffer", 1000, "Input: as in training.", lower_bound=0)
    flags.DEFINE_boolean("keep_freed_memory", True, "Input: as in training.")
    flags.DEFINE_enum("on_bad_record", "skip", ["skip", "fail"], "Input: as in training.")


if __name__ == "__main__":
    define_flags()
    program.run(main)
