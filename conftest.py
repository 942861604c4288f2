"""Settings that must stand before TensorFlow is imported by any test."""

import os
import signal

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

# Under nohup, or in the background of a script, these are ignored, and so they would be by every
# command that a test starts and interrupts.
for number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import tensorflow_start  # noqa: E402, F401
