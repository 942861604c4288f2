"""Fills the disk under real commands, at every moment of their writing, and lets them go on.

    sudo python tests/official/full_disk.py [TIMES]

Conversion, training, evaluation and export each write to a small disk in memory (tmpfs,
which takes root) that fills up; it grows by a step, about TIMES (12) of which make up the room that
is needed, until the command ends. Each failure must be one line with the status 1, without a
half-written file; what is under its final name must be whole; and in the end there must be what a
disk with room has: the same bits of weights, the same scores, the same records.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import tensorflow as tf

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from official.run import checkpoint_files  # noqa: E402
from tests.official.conftest import write_photos  # noqa: E402

PAGE = 4096
TRAIN = [
    "--deterministic", "--resnet_size=18", "--num_filters=4", "--image_size=32", "--batch_size=8",
    "--train_epochs=3", "--epochs_between_evals=1", "--save_checkpoints_epochs=0.5",
    "--num_best_ckpt_to_keep=1", "--seed=1",
]  # fmt: skip


class Disk:
    """A tmpfs at `place`."""

    def __init__(self, place: pathlib.Path):
        self.place = place
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", place], check=True)

    def used(self) -> int:
        status = os.statvfs(self.place)
        return (status.f_blocks - status.f_bfree) * status.f_frsize

    def resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.place], check=True)

    def close(self) -> None:
        subprocess.run(["umount", self.place], check=True)


def command(module: str, *arguments) -> tuple[int, str]:
    """The status and the standard error of a command."""
    words = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stderr


def faults(place: pathlib.Path, status: int, err: str) -> list[str]:
    """What is wrong after a command that had not enough room."""
    found = []
    errors = [line for line in err.splitlines() if line.startswith("error:")]
    if status != 1 or len(errors) != 1 or "Traceback" in err:
        found.append(f"status {status}: {err[-1500:]}")
    elif not any(word in errors[0] for word in ("No space left", "disk is full", "free")):
        found.append(f"names no full disk: {errors[0]}")
    for path in filter(pathlib.Path.is_file, place.rglob("*")):
        if ".tmp-" in path.name or "temp" in path.parts or path.name == "in_use.json":
            found.append(f"left behind: {path}")
        elif path.name.endswith(".json"):
            with contextlib.suppress(FileNotFoundError):
                json.loads(path.read_text())
        elif path.name.endswith(".jsonl"):
            lines = path.read_text().split("\n")
            if lines.pop():
                found.append(f"half a line: {path}")
            list(map(json.loads, lines))
        elif path.name.endswith(".index"):
            problem = checkpoint_files.problem(str(path.with_suffix("")))
            if problem:
                found.append(f"{path}: {problem}")
    return found


def content(place: pathlib.Path) -> dict[str, str]:
    """What a command left, but for what depends on the clock and the place."""
    found = {}
    for path in filter(pathlib.Path.is_file, sorted(place.rglob("*"))):
        name = str(path.relative_to(place))
        if path.suffix in (".json", ".jsonl", ".md", ".html", ".png") or "tfevents" in name:
            found[name.split(".out.")[0]] = "there"
        elif path.suffix == ".index":
            # A training keeps the seconds of its epochs there, too.
            with checkpoint_files.plain(str(path.with_suffix(""))) as prefix:
                reader = tf.train.load_checkpoint(prefix)
                for key in sorted(reader.get_variable_to_shape_map()):
                    if key.startswith(("network/", "optimizer/")):
                        value = np.asarray(reader.get_tensor(key)).tobytes()
                        found[f"{name} {key}"] = hashlib.sha256(value).hexdigest()
        elif ".data-" not in name:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def fill(disk: Disk, times: int, name: str, module: str, *arguments) -> bool:
    """Runs a command, whose words may hold {out}, until there is room for it."""
    free, small = disk.place.parent / f"{name}-free", disk.place / name
    status, err = command(module, *(str(word).format(out=free) for word in arguments))
    assert status == 0, err
    need = sum(-(-path.stat().st_size // PAGE) * PAGE for path in free.rglob("*"))
    step = max(PAGE, need // times)
    size, failures, wrong = disk.used() + PAGE, 0, []
    while True:
        disk.resize(size)
        status, err = command(module, *(str(word).format(out=small) for word in arguments))
        if status == 0:
            break
        failures += 1
        wrong += [f"at {size}: {fault}" for fault in faults(disk.place, status, err)]
        size += step
        assert failures < 10 * times, err
    if content(free) != content(small):
        differing = set(content(free).items()) ^ set(content(small).items())
        wrong.append(f"ends differently: {sorted(differing)}")
    print(f"{name}: {failures} times a full disk, {len(wrong)} faults", flush=True)
    for fault in wrong:
        print(f"  {fault}")
    return not wrong


def main(times: int) -> int:
    with tempfile.TemporaryDirectory(prefix="full disk [1] ") as folder:
        folder = pathlib.Path(folder)
        for split, count in (("train", 10), ("validation", 5)):
            write_photos(folder / "photos" / split, count, seed=1)
        records, run = folder / "convert-free", folder / "train-free"
        disk = Disk(folder / "small")
        try:
            good = fill(
                disk, times, "convert", "datasets.convert", "image_folder",
                f"--raw_dir={folder / 'photos'}", "--output_dir={out}", "--train_shards=3",
            ) & fill(
                disk, times, "train", "official.train", f"--data_dir={records}",
                "--model_dir={out}", *TRAIN,
            ) & fill(
                disk, times, "export", "official.export", f"--model_dir={run}",
                "--export_dir={out}",
            ) & fill(
                disk, times, "evaluate", "official.evaluate", f"--model_dir={run}",
                "--report_dir={out}",
            )  # fmt: skip
        finally:
            disk.close()
    return not good


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 12))
