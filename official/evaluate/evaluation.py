"""Scores a run's checkpoint on every image of a split, and writes the scores down."""

import math
import os
import sys
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf

import preprocessing
from datasets.records import reader
from official.evaluate import seen, views
from official.evaluate.scorer import Scorer, summarise
from official.input import pipeline, search
from official.input.bad_records import check_scored
from official.input.examples import Prepare
from official.input.splits import evaluation_split
from official.run import checkpoints, classes, configuration, devices, files, history, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError, short
from official.run.folder import EVALUATION_FILE, EVALUATION_LOG
from official.run.network import input_shape, network_for_inference


class Scored(NamedTuple):
    """An evaluation with all that a report of it needs.

    Attributes:
      result: the scores, see `evaluate`.
      config: the run, as it reads the records that were scored.
      split: those records.
      network: with the weights that were scored.
      answers: see `metrics.Answers`, float32 [N, 5]; a row per image scored, in their order.
      birth: which run it was, see `history.birth`.
    """

    result: dict
    config: RunConfig
    split: reader.Split
    network: tf.keras.Model
    answers: np.ndarray
    birth: str = ""


def evaluate(*arguments, **options) -> dict:
    """Returns the scores of a run's checkpoint; takes what `scored` takes.

    Returns:
      checkpoint, step, data_dir, val_regex, label_offset, images, correct_top1, correct_top5, top1,
      top5, ece (shares in 0 to 1), cross_entropy, seconds, time; bad_records if they are skipped.

    Raises:
      RunError or DatasetError: no such run, checkpoint or data, or data of other classes.
    """
    return scored(*arguments, **options).result


def scored(
    model_dir: str,
    data_dir: str = "",
    pattern: str = "",
    checkpoint: str = "",
    batch_size: int = 0,
    num_gpus: int = -1,
    ten_crop: bool = False,
    test_scales: tuple[int, ...] = (),
    on_bad_record: str = "",
    label_offset: int | None = None,
) -> Scored:
    """Scores a run's checkpoint.

    Args:
      model_dir: folder of the run.
      data_dir: folder of TFRecords; default: the run's.
      pattern: glob of the shards; default: the run's --val_regex.
      checkpoint: see `checkpoints.choose`; default: the newest.
      batch_size: images per batch; default: the run's --val_batch_size.
      num_gpus: see `devices.strategy`.
      ten_crop: whether to average over ten crops of each image.
      test_scales: shorter sides in pixels at which whole images are scored and averaged.
      on_bad_record: `fail` or `skip` where a record cannot be scored; default: the run's
        --on_bad_val_record.
      label_offset: added to the labels of the records; default: the run's.

    Raises:
      RunError or DatasetError: no such run, checkpoint or data, or data of other classes.
    """
    birth = history.birth(model_dir)
    config = loaded(model_dir, batch_size, on_bad_record)
    config, split = records_of(config, data_dir, pattern, label_offset)
    prepare = views.choose(config.preprocessing, ten_crop, test_scales)
    with devices.strategy(num_gpus).scope():
        network = network_for_inference(config.model, input_shape(config))
        model = Scorer(network, answers=split.num_examples)
        model.compile()
    path = checkpoints.restore_network(network, model_dir, checkpoint or None)
    print(checkpoints.describe(model_dir, path), file=sys.stderr)
    if test_scales:
        # Whole images have different shapes, so each is a batch of its own.
        config = config.with_data(val_batch_size=1)
    with search.named(config, None, split):
        scores, seconds = score(model, config, split, prepare)
    result = {
        "checkpoint": os.path.basename(path),
        "step": checkpoints.step_of(path),
        "data_dir": paths.absolute(data_dir or config.data.data_dir),
        "val_regex": pattern or config.data.val_regex,
        "label_offset": config.data.label_offset,
        "views": views.describe(ten_crop, test_scales),
        **scores,
        "seconds": round(seconds, 2),
        "time": files.now(),
    }
    answers = model.answers.result().numpy()[: scores["images"]]
    return Scored(result, config, split, network, answers, birth)


def loaded(model_dir: str, batch_size: int = 0, on_bad_record: str = "") -> RunConfig:
    """Returns the configuration of a run with these changes; see `scored`."""
    config = configuration.load(model_dir)
    return config.with_data(
        val_batch_size=batch_size or config.data.val_batch_size,
        on_bad_val_record=on_bad_record or config.data.on_bad_val_record,
    )


def records_of(
    config: RunConfig, data_dir: str, pattern: str, label_offset: int | None
) -> tuple[RunConfig, reader.Split]:
    """Returns the run as it reads the labels of records that are scored, and those records.

    See `scored` for the arguments.

    Raises:
      RunError or DatasetError: no such data, or data of other classes.
    """
    split = evaluation_split(config, data_dir, pattern)
    config = classes.for_records(config, data_dir, label_offset)
    if label_offset is None:
        seen.require_classes(config, split, data_dir or config.data.data_dir)
    return config, split


def score(
    model: Scorer,
    config: RunConfig,
    split: reader.Split,
    prepare: Prepare = preprocessing.eval_image,
) -> tuple[dict, float]:
    """Returns the scores over all of `split`, with `bad_records` if those are skipped; and seconds.

    Raises:
      RunError: another number of images was scored than the split holds, fewer than
        `max_bad_records` allows, or with a cross entropy that is not finite.
    """
    start = time.monotonic()
    dataset = pipeline.evaluation_dataset(config, split, prepare, model.answers is not None)
    verbose = 1 if sys.stderr.isatty() else 0
    found = model.evaluate(dataset, verbose=verbose, return_dict=True)
    # Without a single image there are no scores at all.
    images = int(found.get("images", 0))
    bad = split.num_examples - images
    if bad < 0 or (bad and config.data.on_bad_val_record == "fail"):
        raise RunError(f"{images} images were scored, but the shards hold {split.num_examples}.")
    check_scored(config, split.num_examples, bad)
    scores = summarise(found)
    if not math.isfinite(scores["cross_entropy"]):
        raise RunError(
            f"the cross entropy over {images} images is {scores['cross_entropy']}: the network's "
            "logits are not finite, or its weights are not. Score an earlier checkpoint with "
            "--checkpoint."
        )
    if config.data.on_bad_val_record == "skip":
        scores["bad_records"] = bad
    return scores, time.monotonic() - start


def record(model_dir: str, result: dict, birth: str = "") -> None:
    """Prints what `evaluate` returned, then writes it down.

    Args:
      model_dir: folder of the run.
      result: what `evaluate` returned.
      birth: which run was scored, see `history.birth`; empty: the one that is there now.

    Raises:
      RunError: it could not be written; nothing is half written. Or another run has taken the
        folder since.
    """
    print(
        f"{result['checkpoint']} on {result['images']} images ({result['val_regex']}): "
        f"top-1 {100 * result['top1']:.2f} %  top-5 {100 * result['top5']:.2f} %  "
        f"ECE {result['ece']:.4f}  cross entropy {result['cross_entropy']:.4f}  "
        f"({result['images'] / max(result['seconds'], 1e-9):.0f} images/s)"
    )
    if result.get("bad_records"):
        print(f"not scored: {result['bad_records']} bad records")
    if birth and history.birth(model_dir) != birth:
        raise RunError(
            f"--model_dir={model_dir} was removed or cleaned meanwhile: the scores above are those "
            "of the run before, and were not written there."
        )
    try:
        files.write_json(os.path.join(model_dir, EVALUATION_FILE), result)
        files.append_json_line(os.path.join(model_dir, EVALUATION_LOG), result)
    except (OSError, tf.errors.OpError) as error:
        raise RunError(
            f"the scores above could not be written to {model_dir}: {short(error)}"
        ) from error
