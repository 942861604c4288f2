"""What an output directory holds: nothing, a part of a conversion, or a whole data set.

Beside each finished shard lies a small hidden file until the manifest is written. It holds the
shard's counts and the digest of all that decides about its bytes, so that an interrupted run goes
on with the missing shards and reads none of the finished ones, also where a bad image was repaired
or is to be skipped meanwhile. The file is there just before its shard gets its name.
"""

import contextlib
import fcntl
import os
import socket
from collections.abc import Container, Iterator, Mapping
from typing import Any

from datasets import command_line, disk
from datasets.conversion.shard import ShardResult
from datasets.errors import DatasetError
from datasets.records import manifest as manifest_lib


@contextlib.contextmanager
def locked(directory: str) -> Iterator[None]:
    """Holds the directory for this process; raises `DatasetError` when another one does."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatasetError(
                f"another conversion, {_holder(handle)}, is writing to {directory}; wait for it, "
                "stop it, or choose another --output_dir"
            ) from error
        yield
    finally:
        os.close(handle)


def _holder(handle: int) -> str:
    """Who holds the lock of an open file, in words."""
    status = os.fstat(handle)
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError), open("/proc/locks", encoding="ascii") as locks:
        for _, kind, *_, process, held, _, _ in map(str.split, locks):
            if (kind, held) == ("FLOCK", file):
                return f"process {process} on {socket.gethostname()}"
    return "of another host"


class Progress:
    """How far the conversion into one directory is; `finished` holds results by shard name."""

    def __init__(
        self, directory: str, digest: str, wanted: Mapping[str, str], keep_skips: bool = True
    ):
        """Looks at the directory; changes nothing but that half-written files go.

        Args:
            directory: The output directory.
            digest: Digest of input and options.
            wanted: The digest of each shard that is to be there in the end, by name.
            keep_skips: Whether a finished shard may be used from which bad images were left out.
        """
        self.directory = directory
        self._digest = digest
        # What a killed run left takes room that this one may need.
        self.remove_temporaries()
        whole = self._whole_shards()
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
        return manifest if manifest and manifest.get("digest") == self._digest else None

    def lost_shards(
        self, manifest: dict[str, Any], compare_sums: bool
    ) -> dict[str, dict[str, Any]]:
        """What the manifest says of shards that are missing or of another size, by name.

        With `compare_sums` they are read, and a changed one is lost, too.
        """
        return {
            shard["name"]: shard
            for shard in manifest_lib.shards_of(manifest)
            if not self._is_whole(shard["name"], shard["bytes"])
            or (compare_sums and self._sum(shard["name"]) != shard.get("sha256"))
        }

    def _sum(self, name: str) -> str:
        return disk.summarise(os.path.join(self.directory, name))[1]

    def check_replaceable(self, overwrite: bool) -> None:
        """Raises `DatasetError` when writing would destroy something.

        With `overwrite` other conversions may be replaced; what none wrote never.
        """
        names = self._names()
        foreign = self._foreign(names)
        if foreign:
            raise DatasetError(
                f"output directory {self.directory} holds {foreign}, which no conversion wrote; "
                "choose another --output_dir, or remove it yourself"
            )
        held = None
        manifest = self._read_manifest()
        if manifest is not None and manifest.get("digest") != self._digest:
            place = manifest.get("source", {}).get("raw_dir", "an unknown place")
            origin = f"{manifest.get('dataset')} from {place}"
            held = f"a data set made from other input or options ({origin})"
        elif manifest is None and self._others:
            held = f"an unfinished conversion of other input ({len(self._others)} shards done)"
        elif manifest_lib.FORMER_WORK_FILE in names:
            held = f"shards of unknown origin ({manifest_lib.FORMER_WORK_FILE} is there)"
        if held and not overwrite:
            raise DatasetError(
                f"output directory {self.directory} holds {held}; choose another --output_dir, "
                "or pass --overwrite to replace it"
            )
        if held:
            command_line.note(f"replacing {held}")

    def _foreign(self, names: list[str]) -> str:
        """What would be replaced and is of unknown origin, in words; empty where nothing is."""
        if manifest_lib.FORMER_WORK_FILE in names:
            return ""
        try:
            manifest = manifest_lib.load_manifest(self.directory)
        except DatasetError as error:
            return f"a {manifest_lib.MANIFEST_FILE} that cannot be read ({error})"
        known = {shard["name"] for shard in manifest_lib.shards_of(manifest or {"splits": {}})}
        known.update(filter(None, map(manifest_lib.shard_of_done_name, names)))
        shards = [name for name in names if manifest_lib.parse_shard_name(name)]
        unknown = [name for name in shards if name not in known]
        if unknown:
            return f"shards of unknown origin ({command_line.shown(unknown, 1)})"
        if manifest_lib.LABELS_FILE in names and manifest is None and not known:
            return f"a file {manifest_lib.LABELS_FILE} of unknown origin"
        return ""

    def begin(self) -> None:
        """Makes the directory ready for writing; goes on where a like run stopped, and says so."""
        names = self._names()
        if self.finished:
            count = len(self.finished)
            command_line.note(f"going on with an interrupted conversion: {count} shards are done")
        elif manifest_lib.unfinished(names):
            command_line.note("an unfinished conversion was here: starting over")
        # What is said of the shards goes last: without it, some of them might look like all.
        for name in filter(manifest_lib.parse_shard_name, names):
            if name not in self.finished:
                self._remove(name)
        self._remove_notes(self.finished)
        self._remove(manifest_lib.LABELS_FILE)
        self._remove(manifest_lib.MANIFEST_FILE)

    def end(self) -> None:
        """Removes what was noted of finished shards; the manifest must be written."""
        self._remove_notes()
        disk.sync_directory(self.directory)

    def _remove_notes(self, kept: Container[str] = ()) -> None:
        for name in filter(lambda name: manifest_lib.unfinished([name]), self._names()):
            if manifest_lib.shard_of_done_name(name) not in kept:
                self._remove(name)

    def remove_temporaries(self) -> None:
        """Removes half-written files, such as a killed process leaves."""
        for name in self._names():
            final = name[1:-4]
            if (
                name.startswith(".")
                and name.endswith(".tmp")
                and (
                    manifest_lib.parse_shard_name(final)
                    or manifest_lib.shard_of_done_name(final)
                    or final in (manifest_lib.MANIFEST_FILE, manifest_lib.LABELS_FILE)
                    or name.startswith(manifest_lib.INFLATED_START)
                )
            ):
                self._remove(name)

    def _names(self) -> list[str]:
        return sorted(os.listdir(self.directory))

    def _remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(self.directory, name))

    def _whole_shards(self) -> list[ShardResult]:
        """Results of the shards that are there."""
        results = []
        for name in self._names():
            shard = manifest_lib.shard_of_done_name(name)
            if shard is None:
                continue
            with open(os.path.join(self.directory, name), "rb") as file:
                result = ShardResult.decode(file.read())
            # A shard of which nothing can be read is written again.
            if result and result.name == shard and self._is_whole(shard, result.bytes):
                results.append(result)
        return results

    def _is_whole(self, name: str, size: int) -> bool:
        path = os.path.join(self.directory, name)
        return os.path.isfile(path) and os.path.getsize(path) == size

    def _read_manifest(self) -> dict[str, Any] | None:
        try:
            return manifest_lib.load_manifest(self.directory)
        except DatasetError as error:
            return {"splits": {}, "dataset": f"unreadable manifest: {error}"}
