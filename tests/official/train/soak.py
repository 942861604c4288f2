"""Kills real trainings at random moments, starts them again, and compares what they end with.

    scripts/soak.sh 100         # or: python tests/official/train/soak.py 100 [FOLDER]

One run is left alone. Others, with the same command, are killed until N kills are done: at a moment
of the whole process, while it trains, while a file is being written, or while a network is scored;
by SIGKILL, SIGTERM or SIGUSR1. Each must end with the same bits: every value of the last
checkpoint, and every field of the logs but times and rates.
"""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf

ROOT = pathlib.Path(__file__).resolve().parents[3]
FLAGS = [
    "--deterministic", "--resnet_size=18", "--num_filters=4", "--image_size=32", "--batch_size=4",
    "--seed=3", "--base_learning_rate=0.05", "--learning_rate_decay_type=plateau",
    "--plateau_patience=1", "--plateau_factor=0.5", "--plateau_metric=train/loss",
    "--optimizer=adamw", "--nodecay_biases", "--weight_decay=1e-4", "--label_smoothing=0.1",
    "--mixup_type=1", "--autoaugment_type=imagenet", "--use_dropblock", "--dropblock_kp=0.9,0.7",
    "--dtype=fp16", "--loss_scale=dynamic", "--train_epochs=4", "--epochs_between_evals=1",
    "--save_checkpoints_epochs=0.2", "--num_best_ckpt_to_keep=2", "--val_batch_size=4",
    "--ema_decay=0.9", "--accumulation_steps=2", "--clip_norm=2",
    "--layer_rates=stem:1/10,stage4:1/2", "--balanced_sampling", "--class_weights=green:2,red:1/2",
    "--early_stopping_patience=4", "--early_stopping_metric=cross_entropy",
]  # fmt: skip
# What depends on the clock.
TIMES = {"time", "seconds", "images_per_second"}
STOPPED = {signal.SIGTERM: 143, signal.SIGUSR1: 128 + signal.SIGUSR1}
MOMENTS = ("anywhere", "training", "writing", "scoring")


def start(data, folder, flags=FLAGS) -> subprocess.Popen:
    """Starts a training as a user does."""
    command = [
        sys.executable,
        "-m",
        "official.train",
        f"--data_dir={data}",
        f"--model_dir={folder}",
    ]
    return subprocess.Popen(
        [*command, *flags],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(data, folder, flags=FLAGS) -> str:
    """Runs a training to its end; returns what it printed."""
    process = start(data, folder, flags)
    _, printed = process.communicate(timeout=600)
    assert process.returncode == 0, printed
    return printed


def names(folder) -> set[str]:
    """The files of a run, also in its folders, that are there now."""
    # Unlike Path.rglob it goes on where a folder vanishes meanwhile.
    return {
        os.path.relpath(os.path.join(where, name), folder)
        for where, _, files in os.walk(folder)
        for name in files
    }


def checkpoints(folder) -> set[str]:
    return {name for name in names(folder) if "/" not in name and name.endswith(".index")}


def wait_for(moment: str, process, folder, seconds: float, draw: random.Random) -> None:
    """Returns at that moment of a training that takes some `seconds`, or when it has ended."""
    end = time.monotonic() + 300
    before = checkpoints(folder)

    def until(what) -> None:
        while process.poll() is None and not what() and time.monotonic() < end:
            time.sleep(0.001)

    if moment == "anywhere":
        stop = time.monotonic() + draw.uniform(0.0, 0.7 * seconds)
        until(lambda: time.monotonic() > stop)
        return
    wanted = draw.randint(1, 2)
    until(lambda: len(checkpoints(folder) - before) >= wanted)
    if moment == "training":
        stop = time.monotonic() + draw.uniform(0.0, 0.5)
        until(lambda: time.monotonic() > stop)
    elif moment == "writing":
        until(lambda: any(re.search("tmp|temp|unfinished", name) for name in names(folder)))
    elif moment == "scoring":
        # A checkpoint is written before an evaluation, at the end of every epoch.
        until(lambda: any(_step(name) % 10 == 0 for name in checkpoints(folder) - before))
        stop = time.monotonic() + draw.uniform(0.0, 0.3)
        until(lambda: time.monotonic() > stop)


def _step(name: str) -> int:
    return int(name.removesuffix(".index").rsplit("-", 1)[1])


def differences(one, other) -> list[str]:
    """What two finished runs do not share."""
    one, other = pathlib.Path(one), pathlib.Path(other)
    found = []
    for log in ("training.jsonl", "evaluations.jsonl"):
        lines = [
            [_timeless(json.loads(line)) for line in (folder / log).read_text().splitlines()]
            for folder in (one, other)
        ]
        if lines[0] != lines[1]:
            found.append(f"{log}: {lines[0]} != {lines[1]}")
    best = [(folder / "best/best_checkpoints").read_text() for folder in (one, other)]
    if best[0] != best[1]:
        found.append(f"best: {best[0]} != {best[1]}")
    values = [_values(folder) for folder in (one, other)]
    if set(values[0]) != set(values[1]):
        found.append(f"variables: {set(values[0]) ^ set(values[1])}")
    for name in set(values[0]) & set(values[1]):
        if not np.array_equal(values[0][name], values[1][name]):
            found.append(f"{name} of the checkpoint")
    return found


def _timeless(line: dict) -> dict:
    return {key: value for key, value in line.items() if key not in TIMES}


def _values(folder) -> dict[str, np.ndarray]:
    """Every value of the newest checkpoint; not how often this process saved."""
    newest = max(checkpoints(folder), key=_step).removesuffix(".index")
    reader = tf.train.load_checkpoint(str(folder / newest))
    known = reader.get_variable_to_shape_map()
    return {
        name: reader.get_tensor(name)
        for name in known
        if name.endswith("VARIABLE_VALUE") and "save_counter" not in name
    }


def kill_and_finish(data, folder, kills, seconds, draw, counted) -> int:
    """Kills a training up to `kills` times, lets it end; returns how often it was killed."""
    done = 0
    while True:
        process = start(data, folder)
        if done < kills:
            moment = draw.choice(MOMENTS)
            number = draw.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1))
            wait_for(moment, process, folder, seconds, draw)
            if process.poll() is None:
                process.send_signal(number)
                done += 1
                counted[moment, number.name] += 1
        _, printed = process.communicate(timeout=600)
        if process.returncode == 0:
            return done
        # Before its first line a process has no handlers yet.
        good = (-number, STOPPED.get(number, -number))
        assert process.returncode in good, f"{process.returncode} after {number.name}\n{printed}"
        assert "Traceback" not in printed or "KeyboardInterrupt" in printed, printed


def main(wanted: int, folder: pathlib.Path) -> None:
    """Soaks until `wanted` kills are done; exits with 1 if a run ended differently."""
    sys.path.insert(0, str(ROOT))
    from datasets.conversion import command
    from tests.official.conftest import write_photos

    for split, per_class in (("train", 10), ("validation", 5)):
        write_photos(folder / "photos" / split, per_class, seed=1)
    data = folder / "records"
    arguments = ["image_folder", f"--raw_dir={folder / 'photos'}", f"--output_dir={data}"]
    assert command.main([*arguments, "--train_shards=2", "--validation_shards=1"]) == 0
    began = time.monotonic()
    finish(data, folder / "reference")
    seconds = time.monotonic() - began
    print(f"a run that is left alone takes {seconds:.0f} s", flush=True)
    draw, counted, done, runs, bad = random.Random(1), collections.Counter(), 0, 0, 0
    while done < wanted:
        victim = folder / f"run-{runs:03d}"
        victim.mkdir()
        kills = min(draw.randint(3, 12), wanted - done)
        done += kill_and_finish(data, victim, kills, seconds, draw, counted)
        found = differences(folder / "reference", victim)
        runs, bad = runs + 1, bad + bool(found)
        print(f"run {runs}: {done} kills, {found or 'the same bits'}", flush=True)
        if not found:
            shutil.rmtree(victim)
    print(f"{done} kills in {runs} runs, {bad} of which ended differently", flush=True)
    for (moment, number), count in sorted(counted.items()):
        print(f"  {count} by {number}, {moment}")
    sys.exit(bad > 0)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        place = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else scratch)
        place.mkdir(parents=True, exist_ok=True)
        main(int(sys.argv[1]), place)
