"""The folder that a teacher's logits are written to: which shards are whole, and what is missing.

A shard gets its name when it is whole. Until all are, a small hidden file beside each says so, as
in a conversion: the command can be started again, and readers refuse the folder meanwhile.
"""

import hashlib
import json
import os
from typing import Any, NamedTuple

import tensorflow as tf

from datasets import disk
from datasets.records import framing, manifest, reader
from official.run import files, paths
from official.run.errors import RunError
from official.run.folder import LABELS_FILE


class Taught(NamedTuple):
    """A shard with logits: its name, and how many of its images the teacher knows."""

    name: str
    bytes: int
    sha256: str
    images: int
    right: int


class Folder:
    """A local folder for the shards of `splits`, by the name of the split.

    `digest` is of all that decides about logits, but for the records.
    """

    def __init__(self, path: str, splits: dict[str, reader.Split], digest: str):
        """Looks at nothing in the folder yet."""
        self.path = path
        self._splits = splits
        self._digest = digest
        files_read = [file for split in splits.values() for file in split.files]
        self._sources = {os.path.basename(p): framing.file_size(p) for p in files_read}
        whole = json.dumps([digest, self._sources])
        self._digest_of_all = hashlib.sha256(whole.encode()).hexdigest()

    def finished(self) -> dict[str, Taught] | None:
        """Returns the shards where they are all there, by name; None where some are missing.

        Raises:
          RunError: the folder holds something else.
        """
        names = set(paths.list_names(self.path))
        described = manifest.load_manifest(self.path)
        if described and described.get("digest") == self._digest_of_all:
            shards = {shard["name"]: shard for shard in manifest.shards_of(described)}
            whole = all(
                name in names and framing.file_size(self._at(name)) == shard["bytes"]
                for name, shard in shards.items()
            )
            facts = Taught._fields
            return {n: Taught(*(s[f] for f in facts)) for n, s in shards.items()} if whole else None
        there = sorted(name for name in names if manifest.parse_shard_name(name))
        if described or not all(map(self._mark, there)):
            shown = f"{', '.join(there[:3])}{', ...' if there[3:] else ''}"
            raise RunError(
                f"--output_dir={self.path} holds {shown or manifest.MANIFEST_FILE} of other data, "
                "of another teacher, or of another command; choose another folder, or remove them."
            )
        return None

    def marked(self, name: str) -> Taught | None:
        """Returns what is known of a shard that is whole and up to date; None of any other."""
        mark = self._mark(name)
        try:
            found = mark and Taught(*(mark[field] for field in Taught._fields))
            known = mark and mark["source_bytes"] == self._sources.get(name)
        except KeyError:
            return None
        at = self._at(name)
        same = known and os.path.exists(at) and framing.file_size(at) == found.bytes
        return found if same else None

    def _mark(self, name: str) -> dict[str, Any] | None:
        """Returns the mark that this teacher's logits of a shard have; None where there is none."""
        path = self._at(manifest.done_name(name))
        try:
            said = files.read_json(path) if os.path.exists(path) else {}
        except RunError:
            return None
        ours = isinstance(said, dict) and said.get("digest") == self._digest
        return said if ours else None

    def temporary(self, name: str) -> str:
        """Returns the path of a shard that is being written."""
        return disk.temporary_name(self._at(name))

    def publish(self, shard: Taught) -> None:
        """Gives a shard its name; first the mark, so that no reader takes a part for the whole."""
        known = {"digest": self._digest, "source_bytes": self._sources[shard.name]}
        line = json.dumps({**shard._asdict(), **known})
        disk.write_atomically(self._at(manifest.done_name(shard.name)), line.encode())
        disk.publish(self.temporary(shard.name), self._at(shard.name))

    def begin(self, data_dir: str) -> None:
        """Writes labels.txt as `data_dir` has it."""
        labels = os.path.join(data_dir, LABELS_FILE)
        if tf.io.gfile.exists(labels):
            files.write_text(self._at(LABELS_FILE), files.read_text(labels))

    def finish(self, done: dict[str, Taught], data_dir: str, teacher: dict[str, Any]) -> None:
        """Writes manifest.json as `data_dir` has it, then removes the marks."""
        described = manifest.load_manifest(data_dir)
        described = described or {"format_version": manifest.FORMAT_VERSION, "splits": {}}
        described["splits"] = {
            name: {
                **described["splits"].get(name, {}),
                "shards": [done[os.path.basename(path)]._asdict() for path in split.files],
            }
            for name, split in self._splits.items()
        }
        manifest.write_manifest(
            self.path, {**described, "digest": self._digest_of_all, "teacher": teacher}
        )
        for name in done:
            os.remove(self._at(manifest.done_name(name)))

    def _at(self, name: str) -> str:
        return os.path.join(self.path, name)
