"""A training that waits for a step that does not end says so, and can be ended."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from official.input import data_service
from official.train import watch

# The main thread is inside of TensorFlow, and nothing will ever come.
STUCK = """
import sys, tensorflow as tf
from official.train import watch
with watch.Watch(*eval(sys.argv[1])).running():
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
        f"--data_service={place}", "--data_service_patience=2",
    )  # fmt: skip
    twice, served = start("-c", STUCK, "('', 0.1)"), start("-c", STUCK, "('host7:1', 600, 0.1)")
    try:
        for process in (twice, served):
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

        served.send_signal(signal.SIGINT)
        assert served.communicate(timeout=60)[1].endswith(
            first.format("SIGINT") + "error: stopped by SIGINT while waiting for the data service "
            "at host7:1; no checkpoint was added, and the same command goes on from the newest "
            "one.\n"
        )
        assert served.returncode == 1

        error = training.communicate(timeout=120)[1].splitlines()[-1]
        assert error == (
            "error: no training step has ended within --data_service_patience=2 s: the data "
            f"service at {place} gives no images. See that its dispatcher and at least one "
            "worker run and can be reached from here; the same command goes on from the newest "
            "checkpoint."
        )
        assert training.returncode == 1 and not list(tmp_path.glob("*ckpt*"))
    finally:
        for process in (training, twice, served):
            process.kill()
            process.wait()


def test_signals_are_heard_while_it_watches_and_given_back(capsys):
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    threads = threading.active_count()
    watcher = watch.Watch()
    with pytest.raises(ZeroDivisionError), watcher.running():
        os.kill(os.getpid(), signal.SIGTERM)
        while watcher.stopped_by is None:
            threading.Event().wait(0.01)
        raise ZeroDivisionError
    assert watcher.stopped_by == "SIGTERM"
    assert capsys.readouterr().err.startswith("\nSIGTERM: saving after this step ...")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1 and threading.active_count() == threads


def test_between_steps_nothing_is_waited_for():
    """A service without patience: were evaluations or saves steps, this process would end."""
    watcher = watch.Watch("host7:1", patience=0.5, grace=0.0)
    with watcher.running():
        watcher.on_train_batch_begin(0)
        watcher.on_train_batch_end(0)
        threading.Event().wait(1.5)
