"""Whether the packages are there that corruptions need."""

import importlib

from official.run.errors import RunError


def require() -> None:
    """Raises RunError where OpenCV, SciPy or Pillow cannot be imported."""
    try:
        for name in ("cv2", "scipy", "PIL"):
            importlib.import_module(name)
    except ImportError as error:
        raise RunError(
            f"corrupted images need OpenCV, SciPy and Pillow ({error}): pip install -e "
            ".[robustness], or pip install opencv-python-headless scipy pillow"
        ) from error
