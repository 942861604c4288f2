"""What scripts/quickstart.sh asks between conversion and training: flags that fit the photos.

    python -m official.quickstart --data_dir DIR --work_dir DIR

Writes WORK_DIR/fit.flags, a batch size and a schedule for as many pictures as there are. Where the
photos changed since the runs of WORK_DIR were trained, those are moved aside, into a folder
before-DIGEST, so that training starts anew; nothing is removed.
"""

import hashlib
import json
import os
from typing import Any

from absl import flags

from datasets import disk
from datasets.records import manifest as manifest_lib
from official.command import program
from official.run.errors import RunError

FLAGS = flags.FLAGS

FLAGS_FILE = "fit.flags"
# What the quick start makes of the photos, in WORK_DIR.
RESULTS = ("assemble", "plain", "export", "benchmark.jsonl", "report.png")
_HEADER = "# Made by official.quickstart for the records "

# Those of scripts/quickstart/budget.flags, for one to ten thousand pictures.
_BATCH, _EPOCHS, _RATE = 32, 28, 0.05
# Fewer steps than these teach nothing, and a quick start is over in an hour or so.
_FEWEST_STEPS, _MOST_IMAGES = 300, 250_000
_FEWEST_EPOCHS = 4


def fitting(num_images: int) -> dict[str, int | float]:
    """Flags of `official.train` for a quick start with so many training pictures.

    At least four batches make an epoch, and so many epochs are trained that there are 300 steps
    (or 28 epochs, if those are more), but no more than 250,000 pictures are seen if 4 epochs allow
    it. A smaller batch has a smaller rate, in proportion.
    """
    batch = _BATCH
    while batch > 1 and num_images < 4 * batch:
        batch //= 2
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


def prepare(data_dir: str, work_dir: str) -> str:
    """Writes the flags that fit the records, moves results of others aside; returns what it did.

    Raises:
        RunError: `data_dir` holds no converted data set.
    """
    manifest = manifest_lib.load_manifest(data_dir)
    if manifest is None or "train" not in manifest["splits"]:
        raise RunError(f"--data_dir={data_dir} holds no records of `python -m datasets.convert`.")
    digest = _digest(manifest)
    path = os.path.join(work_dir, FLAGS_FILE)
    before = _digest_of(path)
    if before == digest:
        return f"{path} is for these photos already"
    said = []
    if before:
        folder = os.path.join(work_dir, f"before-{before[:8]}")
        moved = _move_aside(work_dir, folder)
        said = [f"the photos changed: {', '.join(moved)} of the earlier ones lie in {folder} now"]
    chosen = fitting(manifest["splits"]["train"]["num_images"])
    # Written last: until then, what is left of the earlier results is known as such.
    lines = [f"{_HEADER}{digest}", *(f"--{name}={value}" for name, value in chosen.items())]
    disk.write_atomically(path, "".join(f"{line}\n" for line in lines).encode("ascii"))
    words = ", ".join(f"{name} {value}" for name, value in chosen.items())
    return "\n".join([*said, f"{path}: {words}"])


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
    print(prepare(FLAGS.data_dir, FLAGS.work_dir))


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("data_dir", None, "Folder of the TFRecords.")
    flags.DEFINE_string("work_dir", None, "Folder of the quick start's results.")


if __name__ == "__main__":
    define_flags()
    program.run(main, required=("data_dir", "work_dir"))
