"""What TensorFlow writes while it is imported, and which kernels it takes."""

import pytest

from tensorflow_start import command_of, environment, without_false_alarms

# What the GPU build of 2.15.1 wrote on a machine without a GPU, and one line of our own.
WRITTEN = b"""\
2026-11-22 06:32:06.171010: E external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:9261] \
Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN when one has \
already been registered
2026-11-22 06:32:06.171057: E external/local_xla/xla/stream_executor/cuda/cuda_fft.cc:607] \
Unable to register cuFFT factory: Attempting to register factory for plugin cuFFT when one has \
already been registered
ImportError: libcudart.so.12: cannot open shared object file
2026-11-22 06:32:06.172339: E external/local_xla/xla/stream_executor/cuda/cuda_blas.cc:1515] \
Unable to register cuBLAS factory: Attempting to register factory for plugin cuBLAS when one has \
already been registered
"""


def test_only_the_known_lines_go():
    expected = b"ImportError: libcudart.so.12: cannot open shared object file\n"
    assert without_false_alarms(WRITTEN) == expected


@pytest.mark.parametrize(
    "line, expected",
    [
        ("python -m official.train --model_dir run", True),
        ("python -u -mofficial.train", True),
        ("python -m official.trainer", False),
        ("python -m official.evaluate --model_dir official.train", False),
        ("python -m pytest -k official.train", False),
    ],
)
def test_only_the_training_command_trains(line, expected):
    assert (command_of(line.split()) == "train") is expected


def test_a_setting_of_the_user_wins(monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    assert environment(training=True)["TF_ENABLE_ONEDNN_OPTS"] == "1"
    assert "TF_ENABLE_ONEDNN_OPTS" not in environment(training=False)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert environment(training=True)["TF_ENABLE_ONEDNN_OPTS"] == "0"
