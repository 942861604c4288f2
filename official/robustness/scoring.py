"""Scores a run's checkpoint on corrupted or moving images, and writes the scores down."""

import os
import sys

import tensorflow as tf

from datasets.conversion import pool
from datasets.records import manifest, reader
from official.evaluate import evaluation
from official.input.splits import record_bytes
from official.robustness import chart, corruptions, frost, perturbations, ranking
from official.robustness.making import Making, conditions
from official.robustness.sequences import MadeSequences, SequenceSource, StoredSequences
from official.robustness.sources import Made, Source, Stored
from official.run import checkpoints, files, history, paths
from official.run.configuration import RunConfig
from official.run.errors import RunError, short
from official.run.folder import (
    CORRUPTIONS_FILE,
    CORRUPTIONS_PICTURE,
    PERTURBATIONS_FILE,
    ROBUSTNESS,
)
from official.run.robustness import RobustnessOptions


def evaluate(
    model_dir: str,
    options: RobustnessOptions,
    kind: str = "c",
    data_dir: str = "",
    pattern: str = "",
    checkpoint: str = "",
    batch_size: int = 0,
    num_gpus: int = -1,
    on_bad_record: str = "",
    label_offset: int | None = None,
) -> dict:
    """Returns the scores on corrupted images (`c`), or of sequences of perturbed frames (`p`).

    They are written to MODEL_DIR/robustness as well; what was scored before is not scored again.

    Args:
      model_dir: folder of the run.
      options: which images, and how they are made.
      kind: `c`, see `corruptions.collected`, or `p`, see `perturbations.evaluate`.
      data_dir: and the others: see `evaluation.scored`.
      pattern: glob of the shards.
      checkpoint: which one.
      batch_size: images per batch.
      num_gpus: see `devices.strategy`.
      on_bad_record: `fail` or `skip`.
      label_offset: added to the labels of the records.

    Raises:
      RunError or DatasetError: no such run, checkpoint or data, or data of other classes.
    """
    birth = history.birth(model_dir)
    config = evaluation.loaded(model_dir, batch_size, on_bad_record)
    size = options.corruption_size or config.preprocessing.eval_size
    pattern, split = pattern or config.data.val_regex, None
    data = {"label_offset": label_offset}
    if not options.corrupted_dir:
        config, split = evaluation.records_of(config, data_dir, pattern, label_offset)
        data_dir = paths.absolute(data_dir or config.data.data_dir)
        data = {
            "data_dir": data_dir,
            "val_regex": pattern,
            "label_offset": config.data.label_offset,
            "record_bytes": record_bytes(split),
            "digest": (manifest.load_manifest(data_dir) or {}).get("digest", ""),
        }
    with pool.Workers(options.num_workers or pool.default_workers()) as workers:
        if kind == "p":
            source = _sequences(config, options, size, split, workers)
        else:
            source = _images(config, options, size, split, workers, pattern, label_offset)
        ranker, path = ranking.load(config, model_dir, checkpoint, num_gpus)
        print(checkpoints.describe(model_dir, path), file=sys.stderr)
        if kind == "p":
            batch = config.data.val_batch_size
            found = perturbations.evaluate(model_dir, ranker, path, source, data, batch)
        else:
            found = corruptions.evaluate(
                model_dir, config, ranker, path, source, data, size, options.resize_corrupted
            )
    if history.birth(model_dir) != birth:
        raise RunError(
            f"--model_dir={model_dir} was removed or cleaned meanwhile: the scores are those of "
            "the run before, and were not written there."
        )
    _write(model_dir, found, kind)
    return found


def _images(
    config: RunConfig,
    options: RobustnessOptions,
    size: int,
    split: reader.Split | None,
    workers: pool.Workers,
    pattern: str,
    label_offset: int | None,
) -> Source:
    """Returns where corrupted images come from: made of `split`, or a folder."""
    wanted = conditions(options)
    if split is None:
        return Stored(options.corrupted_dir, config, pattern, label_offset, wanted)
    if "frost" in options.names:
        # Before the processes: they would all fetch them.
        frost.pictures()
    return Made(config, split, Making.of(options, size), wanted, workers)


def _sequences(
    config: RunConfig,
    options: RobustnessOptions,
    size: int,
    split: reader.Split | None,
    workers: pool.Workers,
) -> SequenceSource:
    """Returns where sequences come from: made of `split`, or a folder."""
    names = options.sequences
    if split is None:
        resized = options.resize_corrupted
        return StoredSequences(options.corrupted_dir, config, size, resized, names)
    return MadeSequences(config, split, Making.of(options, size), names, workers)


def _write(model_dir: str, found: dict, kind: str) -> None:
    """Writes scores and heat map; raises RunError where that fails."""
    folder = os.path.join(model_dir, ROBUSTNESS)
    name = PERTURBATIONS_FILE if kind == "p" else CORRUPTIONS_FILE
    try:
        files.write_json(os.path.join(folder, name), found)
        if found.get("error"):
            files.write_bytes(os.path.join(folder, CORRUPTIONS_PICTURE), chart.heat_map(found))
    except (OSError, tf.errors.OpError) as error:
        raise RunError(f"the scores could not be written to {folder}: {short(error)}") from error
