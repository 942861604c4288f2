"""Package metadata; versions are pinned to a set that installs and imports together."""

from setuptools import find_packages, setup

TENSORFLOW = "2.15.1"

setup(
    name="assembled-cnn-tf2",
    version="0.1.0",
    description="Assembled-CNN (arXiv 2001.06268) for TensorFlow 2 / Keras",
    license="Apache-2.0",
    python_requires=">=3.10,<3.12",
    packages=find_packages(include=["official*", "nets*", "preprocessing*", "datasets*"]),
    entry_points={"console_scripts": ["assembled-cnn = official.__main__:main"]},
    install_requires=[
        "absl-py>=1.4,<2; python_version < '3.11'",
        "absl-py>=2,<3; python_version >= '3.11'",
        # TFDS wants it; pip on 3.10 searches for minutes if it may try newer ones.
        "etils==1.13.0; python_version < '3.11'",
        # TFDS 4.9.10 uses it when it prepares a data set, and does not name it.
        "importlib-resources>=5",
        "matplotlib>=3.7,<4",
        "numpy>=1.23,<2",
        "pillow>=9",
        # Reads the grocery photos of the quick start; newer ones want NumPy 2.
        "pyarrow>=14,<25",
        "tensorflow-datasets==4.9.10",
        # Newer ones want a protobuf that TensorFlow 2.15 refuses (on 3.10 from 1.14 on).
        "tensorflow-metadata==1.13.1; python_version < '3.11'",
        "tensorflow-metadata==1.15.0; python_version >= '3.11'",
        "tqdm>=4.64",
    ],
    extras_require={
        "cpu": [f"tensorflow-cpu=={TENSORFLOW}"],
        "gpu": [f"tensorflow=={TENSORFLOW}"],
        # Decodes WebP, which TensorFlow 2.15 cannot; needed where such an export is served, too.
        "webp": ["tensorflow-io==0.36.0"],
        # TensorFlow Addons is at its end of life: only the tests use it, as an independent judge of
        # the geometric operations.
        "test": [
            "pytest>=7.4,<9",
            "pytest-xdist>=3.5,<4",
            "ruff>=0.6,<1",
            "tensorflow-addons==0.23.0",
        ],
    },
)
