"""Package metadata; two lanes of versions that install and import together.

Lane A, the reference: TensorFlow 2.15 on Python 3.10 and 3.11. Lane B: TensorFlow 2.21 with
tf-keras on Python 3.10 to 3.13. The Python chooses; LANE=A or LANE=B in the environment does so by
hand.
"""

import os
import sys

from setuptools import find_packages, setup

LANE = os.environ.get("LANE", "")
if LANE not in ("", "A", "B") or (LANE == "A" and sys.version_info >= (3, 12)):
    sys.exit(
        f"error: LANE={LANE} on Python {sys.version.split()[0]}: it must be A (TensorFlow 2.15, "
        "Python 3.10 or 3.11) or B (TensorFlow 2.21, Python 3.10 to 3.13)."
    )


def lane(name, *requirements):
    """Returns what a lane requires: where its Python is, or everywhere where it was chosen."""
    if LANE:
        return list(requirements) if LANE == name else []
    python = {"A": "python_version < '3.12'", "B": "python_version >= '3.12'"}[name]
    return [f"{one} and {python}" if ";" in one else f"{one}; {python}" for one in requirements]


ROBUSTNESS = ["opencv-python-headless>=4.8,<5", "scipy>=1.10"]

setup(
    name="assembled-cnn-tf2",
    version="0.1.0",
    description="Assembled-CNN (arXiv 2001.06268) for TensorFlow 2 / Keras",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=find_packages(include=["official*", "nets*", "preprocessing*", "datasets*"]),
    package_data={
        "official.report": ["tables.json"],
        "official.rows": ["class_names/*.txt"],
    },
    py_modules=["tensorflow_start"],
    entry_points={"console_scripts": ["assembled-cnn = official.__main__:main"]},
    install_requires=[
        # TFDS 4.9.10 uses it when it prepares a data set, and does not name it.
        "importlib-resources>=5",
        "matplotlib>=3.7,<4",
        "pillow>=9",
        "tensorflow-datasets==4.9.10",
        # The client of served models.
        "requests>=2.28",
        "tqdm>=4.64",
        # `python -m official.serve`: requests and answers, and what listens. No dependencies.
        "waitress>=3,<4",
        "werkzeug>=3,<4",
        *lane(
            "A",
            "absl-py>=1.4,<2; python_version < '3.11'",
            "absl-py>=2,<3; python_version >= '3.11'",
            # TFDS wants it; pip on 3.10 searches for minutes if it may try newer ones.
            "etils==1.13.0; python_version < '3.11'",
            "numpy>=1.23,<2",
            # Reads the grocery photos of the quick start; newer ones want NumPy 2.
            "pyarrow>=14,<25",
            # Newer ones want a protobuf that TensorFlow 2.15 refuses (on 3.10 from 1.14 on).
            "tensorflow-metadata==1.13.1; python_version < '3.11'",
            "tensorflow-metadata==1.15.0; python_version >= '3.11'",
        ),
        *lane(
            "B",
            "absl-py>=2,<3",
            "numpy>=1.26",
            "pyarrow>=14",
            # TensorFlow brought it before 2.21; its summaries do not work without.
            "tensorboard==2.21.0",
            "tf-keras==2.21.0",
        ),
    ],
    extras_require={
        # tf-keras 2.21 requires the package tensorflow, whose GPU build runs on a CPU as well.
        "cpu": [*lane("A", "tensorflow-cpu==2.15.1"), *lane("B", "tensorflow==2.21.0")],
        # Brings CUDA and cuDNN by pip; only the driver has to be there.
        "gpu": [
            *lane("A", "tensorflow[and-cuda]==2.15.1"),
            *lane("B", "tensorflow[and-cuda]==2.21.0"),
        ],
        # The formats of `official.export --format`; each lives beside TensorFlow. From 1.19 on
        # onnx wants a newer ml_dtypes than TensorFlow 2.15.
        "onnx": [
            "tf2onnx==1.17.0",
            "onnxruntime==1.32.0; python_version >= '3.11'",
            "onnxruntime==1.23.2; python_version < '3.11'",
            *lane("A", "onnx==1.17.0"),
            *lane("B", "onnx==1.23.2; python_version >= '3.11'"),
        ],
        "tflite": ["ai-edge-litert==2.3.0"],
        "openvino": ["openvino==2026.4.1"],
        # Decodes WebP, which TensorFlow 2.15 cannot; needed where such an export is served, too.
        "webp": lane("A", "tensorflow-io==0.36.0"),
        # More file systems of Google Cloud's; TensorFlow brought it before 2.20.
        "gcs": lane("B", "tensorflow-io-gcs-filesystem==0.37.1; python_version < '3.13'"),
        # Corrupted pictures: python -m official.evaluate --robustness=c.
        "robustness": ROBUSTNESS,
        "test": [
            *ROBUSTNESS,
            "pytest>=7.4,<9",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.6,<1",
            # At its end of life: only the tests use it, as an independent judge of the geometric
            # operations.
            *lane("A", "tensorflow-addons==0.23.0"),
        ],
    },
)
