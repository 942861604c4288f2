"""Building, saving and restoring a run: network, checkpoints, the split that is scored."""

import os

import tensorflow as tf

from datasets import catalog
from datasets.records import reader
from nets import ModelConfig, build_model
from official.input import bad_records
from official.run import configuration, files
from official.run.configuration import LABELS_FILE, RunConfig, RunError

CHECKPOINT_NAME = "model.ckpt"
DEFAULT_SHUFFLE_BUFFER = 10_000


def count_classes(data_dir: str, dataset_name: str, num_classes: int, label_offset: int = 0) -> int:
    """Returns the number of classes: the flag, else the catalogue, else labels.txt.

    Classes that `label_offset` puts before those of labels.txt count.

    Raises:
      RunError: nothing says how many, or two sources disagree.
    """
    labels = reader.load_labels(data_dir)
    known = {}
    if num_classes:
        known["--num_classes"] = num_classes
    if dataset_name:
        known[f"the catalogue ({dataset_name})"] = catalog.get(dataset_name).num_classes
    if labels is not None:
        known[os.path.join(data_dir, LABELS_FILE)] = len(labels) + label_offset
    if not known:
        raise RunError(
            f"the number of classes is unknown: {data_dir} has no {LABELS_FILE}. Give "
            "--num_classes or --dataset_name."
        )
    if len(set(known.values())) > 1:
        said = ", ".join(f"{source} says {count}" for source, count in known.items())
        raise RunError(f"the number of classes is not clear: {said}.")
    return next(iter(known.values()))


def shuffle_buffer(dataset_name: str, wanted: int) -> int:
    """Returns the size of the shuffle buffer: the flag, else the catalogue, else 10,000."""
    if wanted:
        return wanted
    return catalog.get(dataset_name).shuffle_buffer if dataset_name else DEFAULT_SHUFFLE_BUFFER


def input_shape(config: RunConfig) -> tuple[int | None, int | None, int]:
    """Returns the shape of a picture that the network is built for; None where any will do.

    Raises:
      RunError: the network takes one size only, and training and evaluation differ.
    """
    if config.model.pool_type != "flatten":
        return None, None, 3
    size, eval_size = config.preprocessing.train_size, config.preprocessing.eval_size
    if size != eval_size:
        raise RunError(
            f"--pool_type=flatten takes pictures of one size, but training has {size} and "
            f"evaluation {eval_size} pixels: choose a --preprocessing_type or an "
            "--eval_image_size with which they agree."
        )
    return size, size, 3


def network_for_inference(
    model: ModelConfig, shape: tuple[int | None, int | None, int] = (None, None, 3)
) -> tf.keras.Model:
    """Returns the network in float32 with fresh weights, to be restored; see `input_shape`."""
    tf.keras.mixed_precision.set_global_policy("float32")
    return build_model(model, shape)


def latest_checkpoint(model_dir: str) -> str:
    """Returns the prefix of the newest checkpoint of `model_dir`.

    Raises:
      RunError: there is none.
    """
    path = tf.train.latest_checkpoint(model_dir)
    if path is None:
        raise RunError(
            f"{model_dir} holds no checkpoint: train first, or point --model_dir at a folder that "
            "`python -m official.train` wrote."
        )
    return path


def restore_network(network: tf.keras.Model, model_dir: str, path: str | None = None) -> str:
    """Restores every weight of `network` and returns the checkpoint's prefix.

    Args:
      network: built as the run's config.json says.
      model_dir: folder of the run.
      path: prefix of a checkpoint; default: the newest of `model_dir`.

    Raises:
      RunError: no checkpoint, or one of another architecture.
    """
    path = path or latest_checkpoint(model_dir)
    try:
        status = tf.train.Checkpoint(network=network).restore(path)
        status.assert_existing_objects_matched().expect_partial()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise RunError(
            f"{path} does not fit the architecture in {model_dir}/{configuration.CONFIG_FILE}: "
            f"{str(error).splitlines()[0]}"
        ) from error
    return path


def checkpoint_step(path: str) -> int:
    """Returns the step in a checkpoint's name, `.../model.ckpt-120` -> 120."""
    return int(path.rsplit("-", 1)[1])


def evaluation_split(config: RunConfig, data_dir: str = "", pattern: str = "") -> reader.Split:
    """Returns the shards that are scored: those of the run, unless told otherwise.

    Raises:
      RunError: neither the caller nor the run says where the data is.
    """
    if not (data_dir or config.data.data_dir):
        raise RunError(
            "--data_dir must be given: the run was imported without data, so it has none to score."
        )
    return bad_records.find_split(
        data_dir or config.data.data_dir,
        pattern or config.data.val_regex,
        config.data.on_bad_val_record,
    )


def save_labels(data_dir: str, model_dir: str, label_offset: int = 0) -> None:
    """Copies the class names, if the data has any, so that the run can be exported without it."""
    labels = reader.load_labels(data_dir)
    if labels is not None:
        labels = ["background"] * label_offset + labels[max(0, -label_offset) :]
        files.write_text(os.path.join(model_dir, LABELS_FILE), "".join(f"{n}\n" for n in labels))


def class_names(config: RunConfig, model_dir: str) -> list[str]:
    """Returns one name per class; numbers where the data had no names.

    Raises:
      RunError: labels.txt has another number of lines than the network has classes.
    """
    path = os.path.join(model_dir, LABELS_FILE)
    if not tf.io.gfile.exists(path):
        return [str(number) for number in range(config.model.num_classes)]
    names = files.read_text(path).splitlines()
    if len(names) != config.model.num_classes:
        raise RunError(
            f"{path} has {len(names)} lines, but the network has {config.model.num_classes} "
            "classes."
        )
    return names
