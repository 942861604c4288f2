"""Without the packages that corruptions need."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("given", [["--corruptions=fog"], []])
def test_one_line_says_what_to_install(tmp_path, given):
    """Before anything is made; without frost and with it."""
    (tmp_path / "cv2.py").write_text("raise ImportError(\"No module named 'cv2'\")")
    root = __file__.rpartition("/tests/")[0]
    words = [f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}", *given]
    done = subprocess.run(
        [sys.executable, "-m", "official.corrupt", *words], capture_output=True, text=True,
        cwd=root, env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
    )  # fmt: skip
    assert done.returncode == 1 and done.stderr.startswith("error: corrupted images need OpenCV")
    assert "pip install -e .[robustness]" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
