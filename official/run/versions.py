"""What computed a run: versions, and the revision of this source."""

import importlib.metadata
import os
import platform
import subprocess

import numpy as np
import tensorflow as tf


def versions() -> dict[str, str]:
    """Returns the versions of what computed a run; the git revision where there is one."""
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": importlib.metadata.version("keras"),
        "numpy": np.__version__,
        "git_revision": _git_revision(),
        "platform": platform.platform(),
    }


def _git_revision() -> str:
    """Returns the revision of this source tree, marked if it has changes, or `unknown`."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=os.path.dirname(os.path.abspath(__file__)),
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return described.stdout.strip()
