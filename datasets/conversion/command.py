"""Command line: raw images to TFRecord shards.

`python -m datasets.convert NAME --raw_dir DIR --output_dir DIR`

NAME is a data set of the catalogue in its published layout, image_folder, csv, parquet, or
tfds:NAME.
"""

import argparse
import collections
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from datasets import catalog, command_line
from datasets.conversion import pool
from datasets.conversion.plan import ON_BAD_RECORD, WriterConfig
from datasets.conversion.writer import write_dataset
from datasets.errors import DatasetError
from datasets.sets.aircraft import Aircraft
from datasets.sets.cars196 import Cars196, Cars196ZeroShot
from datasets.sets.cub200 import Cub200, Cub200Official, Cub200Percent
from datasets.sets.flowers102 import Flowers102
from datasets.sets.food101 import Food101
from datasets.sets.ifood2019 import IFood2019
from datasets.sets.imagenet import ImageNet
from datasets.sets.kaggle_flower import KaggleFlower, KaggleFlowerAllSizes
from datasets.sets.online_products import OnlineProducts
from datasets.sets.pets import Pets
from datasets.sets.uec_food100 import UecFood100
from datasets.sources.csv_list import CsvList
from datasets.sources.image_folder import ImageFolder
from datasets.sources.items import Listing
from datasets.sources.parquet import ParquetTable
from datasets.sources.tfds_set import TfdsSet

# Each knows its flags and its layout, and lists its images; the writer does the rest.
CONVERTERS = {
    converter.name: converter
    for converter in (
        ImageFolder,
        CsvList,
        ParquetTable,
        TfdsSet,
        ImageNet,
        Food101,
        Cars196,
        Cars196ZeroShot,
        Cub200,
        Cub200Official,
        Cub200Percent,
        Flowers102,
        Pets,
        Aircraft,
        OnlineProducts,
        UecFood100,
        IFood2019,
        KaggleFlower,
        KaggleFlowerAllSizes,
    )
}

_TFDS_START = "tfds:"

_SHOWN_SKIPS = 5


def _fraction(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1. Received: {text!r}")
    return value


def _add_common_arguments(parser: argparse.ArgumentParser, converter: Any) -> None:
    add = parser.add_argument
    default = " (default: %(default)s)"
    directory = {"required": True, "type": command_line.directory, "metavar": "DIR"}
    number = {"type": command_line.at_least(1), "metavar": "N"}
    add("--raw_dir", **directory, help="the images as published or kept")
    add("--output_dir", **directory, help="where shards, labels.txt and manifest.json go")
    for split, count in converter.num_shards().items():
        what = f"files of the {split} split" + default
        add(f"--{split}_shards", **number, default=count, help=what)
    what = "processes that check and write images; small data sets use one" + default
    add("--num_workers", **number, default=pool.default_workers(), help=what)
    add("--seed", type=int, default=0, help="order of the training images" + default)
    what = "skip: count and report images that do not decode; fail: stop at the first" + default
    add("--on_bad_record", choices=ON_BAD_RECORD, default="fail", help=what)
    what = "share of a split's images that may be skipped before the conversion stops" + default
    add("--max_bad_fraction", type=_fraction, default=0.1, metavar="F", help=what)
    what = "reduce images whose longer side has more pixels; 0 leaves all as they are" + default
    side = command_line.at_least(0)
    add("--max_side", type=side, default=0, metavar="N", help=what)
    what = "replace a data set in --output_dir that was made from other input or with other flags; "
    what += "of the same input only shards that are damaged are written again"
    add("--overwrite", action="store_true", help=what)


def build_parser() -> argparse.ArgumentParser:
    """Returns the parser: one sub-command per kind of data set."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets.convert",
        description="Converts raw images to sharded TFRecords with labels.txt and manifest.json. "
        "An interrupted conversion goes on when the same command is run again.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="name", metavar="NAME", required=True)
    for name, converter in CONVERTERS.items():
        command = commands.add_parser(
            name,
            help=converter.help,
            description=sys.modules[converter.__module__].__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        _add_common_arguments(command, converter)
        converter.add_arguments(command)
    return parser


def format_summary(manifest: dict[str, Any], output_dir: str, seconds: float) -> str:
    """The closing words: what was written, what was left out and why."""
    lines = [f"{manifest['dataset']}: {manifest['num_classes']} classes in {output_dir}"]
    lines.append(f"{'split':<12}{'images':>10}{'shards':>8}{'MB':>10}{'skipped':>9}")
    for name, split in manifest["splits"].items():
        size = sum(shard["bytes"] for shard in split["shards"]) / 1e6
        lines.append(
            f"{name:<12}{split['num_images']:>10,}{len(split['shards']):>8}{size:>10.1f}"
            f"{split['num_skipped']:>9}"
        )
    skipped = [skip for split in manifest["splits"].values() for skip in split["skipped"]]
    lines += _shown("skipped", skipped)
    repaired = [item for split in manifest["splits"].values() for item in split.get("repaired", ())]
    lines += _shown("repaired", repaired)
    changed: collections.Counter = collections.Counter()
    for split in manifest["splits"].values():
        changed.update(split.get("changed", {}))
    lines += [f"{count:,} images {what}" for what, count in sorted(changed.items())]
    if manifest["num_written"]:
        rate = manifest["num_written"] / max(seconds, 1e-9)
        lines.append(f"{manifest['num_written']:,} images in {seconds:.1f} s, {rate:,.0f} images/s")
        lines.append(_limit(manifest["seconds"]))
    return "\n".join(lines)


def _limit(seconds: dict[str, float]) -> str:
    """What the processes spent their time on, and whether decoder or disk is the limit."""
    total = max(sum(seconds.values()), 1e-9)
    shares = ", ".join(f"{stage} {100 * spent / total:.0f} %" for stage, spent in seconds.items())
    limit = "decoder" if 2 * seconds["decoding"] >= total else "disk"
    return f"of the time of the processes: {shares}; the {limit} is the limit"


def _shown(what: str, files: list[dict[str, str]]) -> list[str]:
    """Some of the files that were skipped or repaired, and how many there are."""
    lines = [
        command_line.one_line(f"{what} {file['file']}: {file['reason']}")
        for file in files[:_SHOWN_SKIPS]
    ]
    if len(files) > _SHOWN_SKIPS:
        more = len(files) - _SHOWN_SKIPS
        lines.append(f"... and {more} more {what} ({len(files)} in all), named in manifest.json")
    return lines


def differences(listing: Listing) -> list[str]:
    """Where a listing differs from what the catalogue says of the data set, in words."""
    if listing.name not in catalog.names():
        return []
    info = catalog.get(listing.name)
    lines = []
    if len(listing.class_names) != info.num_classes:
        lines.append(f"{len(listing.class_names)} classes, not {info.num_classes}")
    for split, count in info.num_images.items():
        found = len(listing.splits.get(split, ()))
        if found != count:
            lines.append(f"{found:,} {split} images, not {count:,}")
    return lines


def _convert(args: argparse.Namespace) -> None:
    start = time.monotonic()
    source = CONVERTERS[args.name].from_arguments(args)
    if os.path.realpath(args.raw_dir) == os.path.realpath(args.output_dir):
        raise DatasetError(
            f"--output_dir={args.output_dir} is --raw_dir; choose a folder of its own for the "
            "records"
        )
    listing = source.listing()
    changed = differences(listing)
    if changed:
        command_line.note(f"this is not {listing.name} as published: {'; '.join(changed)}")
    config = WriterConfig(
        {split: getattr(args, f"{split}_shards") for split in ("train", "validation", "test")},
        args.seed,
        args.num_workers,
        args.on_bad_record,
        args.max_bad_fraction,
        args.max_side,
        args.overwrite,
    )
    manifest = write_dataset(listing, args.output_dir, config)
    print(format_summary(manifest, args.output_dir, time.monotonic() - start))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status, see `command_line.run`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0].startswith(_TFDS_START):
        words[:1] = ["tfds", f"--tfds_name={words[0].removeprefix(_TFDS_START)}"]
    args = build_parser().parse_args(words)
    # The decoders report each bad image to stderr by themselves; here it is counted and named.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return command_line.run(lambda: _convert(args), "the same command goes on from here")
