"""What TensorFlow writes while it is imported."""

from official.quiet_tensorflow import without_false_alarms

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
