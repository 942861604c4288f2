"""Command line: images and charts of a converted data set.

`python -m datasets.show DIR`

Saves samples.png, some images as they are, and distributions.png, the number of images per class
and how large they are. `python -m official.show --data_dir DIR` also draws the images as training
sees them.
"""

import argparse
import os
from collections.abc import Sequence

from datasets import command_line
from datasets.inspection import show


def build_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets.show",
        description=f"Saves {show.SAMPLES_FILE} (images as they are) and "
        f"{show.DISTRIBUTIONS_FILE} (classes and sizes) of a converted data set. "
        "`python -m official.show --data_dir DIR` also draws the images as training sees them.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    default = " (default: %(default)s)"
    add("data_dir", type=command_line.directory, metavar="DIR", help="directory of the shards")
    what = "where the pictures go (default: beside the shards)"
    add("--output_dir", type=command_line.directory, metavar="DIR", help=what)
    add("--split", default="train", choices=show.SPLITS, help="whose samples are shown" + default)
    add("--num_samples", type=int, default=12, metavar="N", help="samples" + default)
    what = "records of a split that are read for the sizes" + default
    add("--max_records", type=int, default=5000, metavar="N", help=what)
    add("--seed", type=int, default=0, metavar="N", help="which samples" + default)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status, see `command_line.run`."""
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    def body() -> None:
        paths = show.show(
            args.data_dir,
            args.output_dir or args.data_dir,
            split=args.split,
            num_samples=max(1, args.num_samples),
            max_records=max(1, args.max_records),
            seed=args.seed,
        )
        print("\n".join(paths))

    return command_line.run(body, "no half-drawn picture was left")
