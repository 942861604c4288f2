"""What scripts/quickstart.sh asks between conversion and training: flags that fit the photos.

    python -m official.quickstart --data_dir DIR --work_dir DIR [--recipe=scratch]

Writes WORK_DIR/finetune.flags, which train ImageNet weights further, as they fit the number of
pictures and the disk; the weights are downloaded once. Where they cannot be had it says so. In any
case it writes WORK_DIR/fit.flags, batch size and schedule of a network from nothing. Where the
photos changed since the runs of WORK_DIR were trained, those are moved aside, into a folder
before-DIGEST, so that training starts anew; nothing is removed.
"""

import hashlib
import json
import os
import sys
from typing import Any, NamedTuple

import tensorflow as tf
from absl import flags

from datasets import disk, granted
from datasets.records import manifest as manifest_lib
from official.checkpoints import downloads
from official.command import program
from official.run.errors import RunError

FLAGS = flags.FLAGS

FLAGS_FILE, FINETUNE_FILE = "fit.flags", "finetune.flags"
RECIPES = ("finetune", "scratch")
# What the quick start makes of the photos, in WORK_DIR.
RESULTS = (
    "finetuned",
    "export-finetuned",
    "assemble",
    "plain",
    "export",
    "benchmark.jsonl",
    "report.png",
)
_HEADER = "# Made by official.quickstart for the records "

# Those of scripts/quickstart/budget.flags, for one to ten thousand pictures.
_BATCH, _EPOCHS, _RATE = 32, 28, 0.05
# Fewer steps than these teach nothing, and a quick start is over in an hour or so.
_FEWEST_STEPS, _MOST_IMAGES = 300, 250_000
_FEWEST_EPOCHS = 4

# Of fine-tuning: crops that a frozen ResNet-50 sees in a minute and a half on one core, and what a
# GPU counts for; crops of a photo that are worth it; updates that a class needs; bytes of a map
# behind stage 3 at 224 pixels, in 16 bits.
_CROPS, _CORES_OF_GPU, _MOST_CROPS, _UPDATES_OF_CLASS = 2400, 40, 16, 10
_MAP_BYTES = 14 * 14 * 1024 * 2
_RATE_STAGE4, _RATE_HEAD = 2e-4, 1e-3
_LAST_STAGE = "stem,stage1,stage2,stage3,batch_norm"


def fitting(num_images: int) -> dict[str, int | float]:
    """Flags of `official.train` for a quick start with so many training pictures.

    At least four batches make an epoch, and so many epochs are trained that there are 300 steps
    (or 28 epochs, if those are more), but no more than 250,000 pictures are seen if 4 epochs allow
    it. A smaller batch has a smaller rate, in proportion.
    """
    batch = _batch(num_images)
    steps = max(1, num_images // batch)
    epochs = max(_EPOCHS, -(-_FEWEST_STEPS // steps))
    if num_images * epochs > _MOST_IMAGES:
        epochs = max(_FEWEST_EPOCHS, _MOST_IMAGES // num_images)
    return {
        "batch_size": batch,
        "base_learning_rate": _RATE * batch / _BATCH,
        "train_epochs": epochs,
        "lr_warmup_epochs": max(1, epochs // 14),
        "epochs_between_evals": -(-epochs // 5),
        "save_checkpoints_epochs": max(1, epochs // 7),
    }


class Machine(NamedTuple):
    """What a training may use.

    Attributes:
        cores: Processors.
        gpus: Graphics processors.
        free_bytes: Room on the disk of its folder.
    """

    cores: int
    gpus: int
    free_bytes: int


def finetuning(num_images: int, num_classes: int, machine: Machine) -> dict[str, int | float | str]:
    """Flags of `official.train` that fine-tune ImageNet weights on so many training pictures.

    Stage 4 and a new classifier learn on what the stages before make of a few crops of each
    picture. As many crops are taken as the machine gets through in some minutes, 2 to 16, and each
    comes twice, or as often as it takes to have ten updates for each class. Where their maps need
    more than half of the disk, the classifier learns alone. The size is that of the weights, 224.
    """
    batch = _batch(num_images)
    speed = machine.cores + _CORES_OF_GPU * machine.gpus
    crops = min(_MOST_CROPS, max(2, _CROPS * speed // num_images))
    whole_backbone = num_images * crops * _MAP_BYTES > machine.free_bytes // 2
    updates = _UPDATES_OF_CLASS * num_classes
    epochs = max(2 * crops, -(-updates // max(1, num_images // batch)))
    rate = _RATE_HEAD if whole_backbone else _RATE_STAGE4
    return {
        "pretrained": downloads.IMAGENET,
        "freeze": "backbone" if whole_backbone else _LAST_STAGE,
        "repeat_crops": crops,
        "optimizer": "adam",
        "batch_size": batch,
        "base_learning_rate": round(rate * (batch / _BATCH) ** 0.5, 6),
        "learning_rate_decay_type": "cosine",
        "train_epochs": epochs,
        "label_smoothing": 0.1,
        "weight_decay": 0.0,
        "epochs_between_evals": -(-epochs // 5),
        "save_checkpoints_epochs": epochs,
    }


def _batch(num_images: int) -> int:
    """Returns a batch size, at most 32, of which at least four make an epoch."""
    batch = _BATCH
    while batch > 1 and num_images < 4 * batch:
        batch //= 2
    return batch


def prepare(data_dir: str, work_dir: str, recipe: str = "scratch") -> str:
    """Writes the flags that fit the records, moves results of others aside; returns what it did.

    Those of fine-tuning are written if `recipe` is `finetune` and the weights can be had; those of
    a training from nothing in any case.

    Raises:
        RunError: `data_dir` holds no converted data set.
    """
    manifest = manifest_lib.load_manifest(data_dir)
    if manifest is None or "train" not in manifest["splits"]:
        raise RunError(f"--data_dir={data_dir} holds no records of `python -m datasets.convert`.")
    digest = _digest(manifest)
    path, finetune = (os.path.join(work_dir, name) for name in (FLAGS_FILE, FINETUNE_FILE))
    before = _digest_of(path)
    images = manifest["splits"]["train"]["num_images"]
    said = []
    if _digest_of(finetune) not in ("", digest):
        os.remove(finetune)
    if before and before != digest:
        folder = os.path.join(work_dir, f"before-{before[:8]}")
        moved = _move_aside(work_dir, folder)
        said = [f"the photos changed: {', '.join(moved)} of the earlier ones lie in {folder} now"]
    # After the moving: until then, what is left of the earlier results is known as such.
    said.append(_write(path, digest, fitting(images)))
    if recipe == "finetune" and _has_weights():
        classes = len(manifest["splits"]["train"]["class_counts"])
        chosen = finetuning(images, classes, _machine(work_dir))
        said.append(_write(finetune, digest, chosen))
    return "\n".join(said)


def _write(path: str, digest: str, chosen: dict[str, int | float | str]) -> str:
    """Writes flags for the records of `digest`, unless that was done; returns them in a line."""
    if _digest_of(path) == digest:
        return f"{path} is for these photos already"
    lines = [f"{_HEADER}{digest}", *(f"--{name}={value}" for name, value in chosen.items())]
    disk.write_atomically(path, "".join(f"{line}\n" for line in lines).encode("ascii"))
    return f"{path}: {' '.join(lines[1:])}"


def _has_weights() -> bool:
    """Downloads the ImageNet weights once; where that cannot be done, says why."""
    try:
        downloads.fetch_weights(downloads.IMAGENET)
    except RunError as error:
        print(f"no ImageNet weights, so the network starts from nothing: {error}", file=sys.stderr)
        return False
    return True


def _machine(folder: str) -> Machine:
    """Returns what a training in `folder` may use."""
    status = os.statvfs(folder)
    gpus = len(tf.config.list_physical_devices("GPU"))
    return Machine(granted.cpus(), gpus, status.f_bavail * status.f_frsize)


def _digest(manifest: dict[str, Any]) -> str:
    """What the records are: unlike the manifest's own digest the same where files were copied."""
    sums = [shard.get("sha256") for shard in manifest_lib.shards_of(manifest)]
    classes = [list(split.get("class_counts", ())) for split in manifest["splits"].values()]
    return hashlib.sha256(json.dumps([classes, sums]).encode("ascii")).hexdigest()


def _digest_of(path: str) -> str:
    """Which records a file of flags was made for; empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            first = file.readline()
    except FileNotFoundError:
        return ""
    if not first.startswith(_HEADER):
        raise RunError(f"{path} is no file of this command; choose another --work_dir.")
    return first.removeprefix(_HEADER).strip()


def _move_aside(work_dir: str, folder: str) -> list[str]:
    """Moves the results in `work_dir` into `folder`; returns their names."""
    moved = [name for name in RESULTS if os.path.lexists(os.path.join(work_dir, name))]
    disk.make_directory(folder)
    for name in moved:
        target, number = os.path.join(folder, name), 1
        while os.path.lexists(target):
            number += 1
            target = os.path.join(folder, f"{number}-{name}")
        os.rename(os.path.join(work_dir, name), target)
    return moved


def main() -> None:
    """Prepares and says how."""
    print(prepare(FLAGS.data_dir, FLAGS.work_dir, FLAGS.recipe))


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("data_dir", None, "Folder of the TFRecords.")
    flags.DEFINE_enum(
        "recipe", "finetune", RECIPES, "From ImageNet weights, if they can be had, or from nothing."
    )
    flags.DEFINE_string("work_dir", None, "Folder of the quick start's results.")


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("data_dir", "work_dir"))
