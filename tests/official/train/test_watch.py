"""A training that waits for a step that does not end says so, and can be ended."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from official.input import data_service
from official.run import signals
from official.run.errors import RunError
from official.train import watch

# The main thread is inside of TensorFlow, and nothing will ever come.
STUCK = """
import sys, tensorflow as tf
from official.train import watch
with watch.Watch("images from data", grace=float(sys.argv[1])).running():
    print("ready", flush=True)
    tf.queue.FIFOQueue(1, tf.int32).dequeue()
"""
# The same in a command that has nothing to save.
STUCK_COMMAND = """
import tensorflow as tf
from official.run import signals
with signals.interrupting(0.1):
    print("ready", flush=True)
    tf.queue.FIFOQueue(1, tf.int32).dequeue()
"""


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_stuck_step_can_be_ended(records, tmp_path):
    """Processes side by side, each with another end."""
    dispatcher = data_service.start_dispatcher(0)
    place = dispatcher.target.removeprefix("grpc://")
    training = start(
        "-m", "official.train", f"--data_dir={records}", f"--model_dir={tmp_path}",
        "--batch_size=8", "--resnet_size=18", "--num_filters=8", "--image_size=32",
        f"--data_service={place}", "--patience=2",
    )  # fmt: skip
    twice, once = start("-c", STUCK, "600"), start("-c", STUCK, "0.1")
    command = start("-c", STUCK_COMMAND)
    try:
        for process in (twice, once, command):
            assert process.stdout.readline() == "ready\n"
        first = "{}: saving after this step ... (a second one ends the run at once)\n"

        twice.send_signal(signal.SIGTERM)
        heard = next(line for line in twice.stderr if line.startswith("SIG"))
        assert heard == first.format("SIGTERM")
        # Launchers send it to the process and to its group: that is one signal still.
        twice.send_signal(signal.SIGTERM)
        threading.Event().wait(1.5)
        twice.send_signal(signal.SIGINT)
        assert twice.communicate(timeout=60)[1] == "SIGINT after SIGTERM: ended at once\n"
        assert twice.returncode == 128 + 2

        # A scheduler's warning before its time limit.
        once.send_signal(signal.SIGUSR1)
        assert once.communicate(timeout=60)[1].endswith(
            first.format("SIGUSR1") + "error: stopped by SIGUSR1 while waiting for images from "
            "data; no checkpoint was added, and the same command goes on from the newest one.\n"
        )
        assert once.returncode == 128 + signal.SIGUSR1

        command.send_signal(signal.SIGHUP)
        assert command.communicate(timeout=60)[1].endswith("\nstopped by SIGHUP\n")
        assert command.returncode == 129

        error = training.communicate(timeout=120)[1].splitlines()[-1]
        assert error == (
            f"error: no step has ended within 2 s (--patience=2): the data service at {place} "
            "gives no images. See that its dispatcher and at least one worker run and can be "
            "reached from here. The same command goes on from the newest checkpoint."
        )
        assert training.returncode == 1 and not list(tmp_path.glob("*ckpt*"))
    finally:
        for process in (training, twice, once, command):
            process.kill()
            process.wait()


def test_signals_are_heard_while_it_watches_and_given_back(capsys):
    before = [signal.getsignal(number) for number in signals.NUMBERS]
    threads = threading.active_count()
    watcher = watch.Watch("data")
    with pytest.raises(ZeroDivisionError), watcher.running():
        os.kill(os.getpid(), signal.SIGTERM)
        while watcher.stopped_by is None:
            threading.Event().wait(0.01)
        raise ZeroDivisionError
    assert watcher.stopped_by == "SIGTERM"
    assert capsys.readouterr().err.startswith("\nSIGTERM: saving after this step ...")
    assert [signal.getsignal(number) for number in signals.NUMBERS] == before
    assert signal.set_wakeup_fd(-1) == -1 and threading.active_count() == threads


def test_between_steps_nothing_is_waited_for():
    """Without patience: were saves steps, this process would end."""
    watcher = watch.Watch("data", patience=0.5, grace=0.0)
    with watcher.running():
        watcher.on_train_batch_begin(0)
        watcher.on_train_batch_end(0)
        threading.Event().wait(1.5)


def test_an_evaluation_ends_at_once_with_a_status_of_its_own():
    watcher = watch.Watch("data")
    watcher.on_test_batch_begin(0)
    watcher.on_test_batch_end(0)
    watcher.stopped_by = "SIGTERM"
    watcher.on_test_batch_begin(1)
    with pytest.raises(RunError, match="stopped by SIGTERM in an evaluation.*again") as caught:
        watcher.on_test_batch_end(1)
    assert caught.value.status == 143


def test_an_ignored_signal_stays_ignored():
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        watcher = watch.Watch("data")
        with watcher.running():
            os.kill(os.getpid(), signal.SIGHUP)
            threading.Event().wait(0.2)
            assert watcher.stopped_by is None
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
