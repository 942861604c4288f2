"""The state of an output directory: new, unfinished, or finished; and the work file.

The work file is there from before the first shard until after the manifest. Its first line
is a header, each further line a finished shard's counts and the digest of all that decides about
its bytes, so that an interrupted run goes on with the missing shards and reads none of the finished
ones, also where a bad image was repaired or is to be skipped meanwhile.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from datasets import disk
from datasets.conversion.tasks import ShardResult
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib
from datasets.sources.items import Skip


def _result_from_json(values: dict[str, Any]) -> ShardResult:
    counts = {int(label): count for label, count in values["label_counts"].items()}
    skipped = tuple(Skip(**skip) for skip in values["skipped"])
    repaired = tuple(Skip(**skip) for skip in values.get("repaired", ()))
    return ShardResult(
        **{**values, "label_counts": counts, "skipped": skipped, "repaired": repaired}
    )


@contextlib.contextmanager
def locked(directory: str) -> Iterator[None]:
    """Holds the directory for this process.

    Raises:
        DatasetError: Another process holds it.
    """
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetError(
                f"another conversion is writing to {directory}; wait for it or choose "
                "another --output_dir"
            ) from error
        yield
    finally:
        os.close(handle)


class Journal:
    """The work file of one output directory.

    Attributes:
        directory: The output directory.
        digest: Digest of input and options.
        finished: Results of finished shards, by shard name.
    """

    def __init__(
        self, directory: str, digest: str, wanted: Mapping[str, str], keep_skips: bool = True
    ):
        """Looks at the directory; changes nothing.

        Args:
            directory: The output directory.
            digest: Digest of input and options.
            wanted: The digest of each shard that is to be there in the end, by name.
            keep_skips: Whether a finished shard may be used from which bad images were left out.
        """
        self.directory = directory
        self.digest = digest
        self._path = os.path.join(directory, manifest_lib.WORK_FILE)
        whole = self._read_work_file()
        # A shard from which images were left out is no loss: those are what is repaired.
        self._others = [
            result
            for result in whole
            if wanted.get(result.name) != result.digest
            and not (result.skipped and result.name in wanted)
        ]
        self.finished: dict[str, ShardResult] = {
            result.name: result
            for result in whole
            if wanted.get(result.name) == result.digest and (keep_skips or not result.skipped)
        }

    def finished_manifest(self) -> dict[str, Any] | None:
        """The manifest, when the directory holds just this data set, and was finished."""
        manifest = self._read_manifest()
        if manifest is None or os.path.exists(self._path):
            return None
        return manifest if manifest.get("digest") == self.digest else None

    def lost_shards(self, manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What the manifest says of shards that are missing or of another size, by name."""
        described = [shard for split in manifest["splits"].values() for shard in split["shards"]]
        return {
            shard["name"]: shard
            for shard in described
            if not self._is_whole(shard["name"], shard["bytes"])
        }

    def check_replaceable(self) -> None:
        """Raises `DatasetError` when writing would destroy something that is not ours."""
        held = None
        manifest = self._read_manifest()
        labels = os.path.join(self.directory, manifest_lib.LABELS_FILE)
        if os.path.exists(self._path):
            if self._others:
                held = f"an unfinished conversion of other input ({len(self._others)} shards done)"
        elif manifest is not None:
            if manifest.get("digest") != self.digest:
                held = f"a data set made from other input or options ({_origin(manifest)})"
        elif self._shards():
            held = f"shards of unknown origin ({self._shards()[0]})"
        elif os.path.lexists(labels):
            held = f"a file {manifest_lib.LABELS_FILE} of unknown origin"
        if held:
            raise DatasetError(
                f"output directory {self.directory} holds {held}; choose another --output_dir, "
                "or pass --overwrite to replace it"
            )

    def begin(self) -> str:
        """Makes the directory ready for writing; goes on where a like run stopped.

        Returns:
            A note for the user, empty for a new directory.
        """
        note = ""
        if self.finished:
            count = len(self.finished)
            note = f"going on with an interrupted conversion: {count} shards are done"
        elif os.path.exists(self._path):
            note = "an unfinished conversion was here: starting over"
        header = {"format_version": manifest_lib.FORMAT_VERSION, "digest": self.digest}
        lines = [_line(header), *map(_result_line, self.finished.values())]
        disk.write_atomically(self._path, b"".join(lines))
        # The manifest goes first: without it and with a work file nothing looks finished.
        for name in (manifest_lib.MANIFEST_FILE, manifest_lib.LABELS_FILE):
            with contextlib.suppress(FileNotFoundError):
                os.remove(os.path.join(self.directory, name))
        for name in self._shards():
            if name not in self.finished:
                os.remove(os.path.join(self.directory, name))
        self.remove_temporaries()
        return note

    def remove_temporaries(self) -> None:
        """Removes half-written files, such as a killed process leaves."""
        for name in self._left_over_temporaries():
            os.remove(os.path.join(self.directory, name))

    def record(self, result: ShardResult) -> None:
        """Notes a finished shard.

        Raises:
            DatasetError: No disk space.
        """
        try:
            with open(self._path, "ab") as file:
                file.write(_result_line(result))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise disk.write_error(error, self._path) from error
        self.finished[result.name] = result

    def end(self) -> None:
        """Removes the work file; the manifest must be written."""
        os.remove(self._path)
        disk.sync_directory(self.directory)

    def _read_work_file(self) -> list[ShardResult]:
        """Results of the shards that are there; each by its last line."""
        try:
            with open(self._path, "rb") as file:
                lines = [_parse_result(line) for line in file]
        except FileNotFoundError:
            return []
        # The header is no result, nor is a line torn by a crash: its shard is written again.
        latest = {result.name: result for result in lines if result is not None}
        return [result for result in latest.values() if self._is_whole(result.name, result.bytes)]

    def _is_whole(self, name: str, size: int) -> bool:
        path = os.path.join(self.directory, name)
        return os.path.isfile(path) and os.path.getsize(path) == size

    def _read_manifest(self) -> dict[str, Any] | None:
        path = os.path.join(self.directory, manifest_lib.MANIFEST_FILE)
        if not os.path.exists(path):
            return None
        with open(path, "rb") as file:
            data = file.read()
        try:
            return manifest_lib.decode_manifest(data, path)
        except DatasetError as error:
            return {"splits": {}, "dataset": f"unreadable manifest: {error}"}

    def _shards(self) -> list[str]:
        names = sorted(os.listdir(self.directory))
        return [name for name in names if _is_shard(name)]

    def _left_over_temporaries(self) -> list[str]:
        names = os.listdir(self.directory)
        ours = (manifest_lib.MANIFEST_FILE, manifest_lib.LABELS_FILE, manifest_lib.WORK_FILE)
        return [
            name
            for name in names
            if name.startswith(".")
            and name.endswith(".tmp")
            and (
                _is_shard(name[1:-4])
                or name[1:-4] in ours
                or name.startswith(manifest_lib.INFLATED_START)
            )
        ]


def _is_shard(name: str) -> bool:
    parsed = manifest_lib.parse_shard_name(name)
    return parsed is not None and not name.startswith(".")


def _origin(manifest: dict[str, Any]) -> str:
    source = manifest.get("source", {})
    return f"{manifest.get('dataset')} from {source.get('raw_dir', 'an unknown place')}"


def _result_line(result: ShardResult) -> bytes:
    values = dataclasses.asdict(result)
    # A fact about the machine, not about the shard.
    del values["seconds"]
    return _line(values)


def _line(values: dict[str, Any]) -> bytes:
    return (json.dumps(values) + "\n").encode("ascii")


def _parse_result(line: bytes) -> ShardResult | None:
    try:
        return _result_from_json(json.loads(line))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
