"""Writes corrupted copies of a data set as TFRecords, one for each corruption and severity."""

import dataclasses
import os
import sys

from datasets.conversion.plan import WriterConfig
from datasets.conversion.writer import write_dataset
from datasets.errors import DatasetError
from datasets.records import example, manifest, reader, schema
from datasets.sources.items import Item, Listing, Skip
from datasets.sources.record_source import RecordSource, read_examples
from official.robustness.making import Making, make

SPLIT = "validation"


@dataclasses.dataclass(frozen=True, slots=True)
class CorruptedSource:
    """The photo of a record, corrupted when it is read; see `making.make`."""

    record: RecordSource
    number: int
    name: str
    severity: int
    making: Making

    def read(self) -> bytes:
        """Returns the encoded image."""
        return make(self.record.read(), self.number, self.name, self.severity, self.making)

    def fingerprint(self) -> str:
        """What decides about the bytes."""
        return f"{self.record.fingerprint()}:{self.number}:{self.making}"


def write(
    data_dir: str,
    pattern: str,
    output_dir: str,
    conditions: list[tuple[str, int]],
    making: Making,
    num_workers: int,
) -> None:
    """Writes OUTPUT_DIR/CORRUPTION/SEVERITY/validation-*, each with labels.txt and manifest.json.

    What is finished stays; what was interrupted is gone on with.

    Args:
      data_dir: TFRecords with labels.txt.
      pattern: glob of the shards in it.
      output_dir: where the folders go.
      conditions: pairs of corruption and severity.
      making: how.
      num_workers: processes.

    Raises:
      DatasetError: no such records, records that cannot be read, or a folder with other data.
    """
    split = reader.find_split(data_dir, pattern)
    labels = manifest.load_labels(data_dir)
    if not labels:
        raise DatasetError(
            f"{os.path.join(data_dir, manifest.LABELS_FILE)} is missing: without names nobody "
            "could tell later which class a label means. Write a line for each class into it"
        )
    records, bad = _records(split.files)
    config = WriterConfig(
        num_shards={SPLIT: len(split.files)}, num_workers=num_workers, on_bad_record="fail"
    )
    for done, (name, severity) in enumerate(conditions, 1):
        folder = os.path.join(output_dir, name, str(severity))
        print(f"{done} of {len(conditions)}: {folder}", file=sys.stderr)
        items = [
            Item(file, CorruptedSource(source, number, name, severity, making), label)
            for number, (source, label, file) in enumerate(records)
        ]
        listing = Listing(
            name=f"{name} {severity}",
            labels=tuple(labels),
            splits={SPLIT: items},
            skipped={SPLIT: bad},
            source={"data_dir": os.path.abspath(data_dir), **dataclasses.asdict(making)},
        )
        write_dataset(listing, folder, config)


def _records(files: list[str]) -> tuple[list[tuple[RecordSource, int, str]], list[Skip]]:
    """Returns where each record is, its label and its name; and what cannot be read."""
    found, bad = [], []
    for path in files:
        for source, record, damage in read_examples(path, schema.KEY_ENCODED):
            label = None if damage else example.int_feature(record, schema.KEY_LABEL)
            if label is None or not example.bytes_feature(record, schema.KEY_ENCODED):
                bad.append(Skip(path, damage or "a record without image or label", bad=True))
                continue
            name = example.bytes_feature(record, schema.KEY_FILENAME).decode("utf-8", "replace")
            found.append((source, label, name or f"{len(found):08d}"))
    return found, bad
