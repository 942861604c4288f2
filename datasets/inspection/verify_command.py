"""Command line: reads a converted data set from end to end and reports what is wrong with it.

`python -m datasets.verify DIR`

Every record is read and its checksum compared, every image decoded, every label looked at; equal
images are found wherever they are; shards, counts and checksums are compared with manifest.json
where there is one. TFRecords of the original and Kaggle's flowers can be verified, too. The exit
status is 0 when nothing is wrong and 1 otherwise.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from datasets import command_line
from datasets.conversion import pool
from datasets.inspection.verification import Report, verify

_SHOWN_CLASSES = 60
_SHOWN_FINDINGS = 20


def format_report(report: Report) -> str:
    """The report for people; long lists are shortened, --json has them whole."""
    lines = [f"{report.data_dir}: {report.dataset or 'unknown data set'}"]
    lines.append(f"{'split':<12}{'shards':>8}{'records':>11}{'good images':>13}{'MB':>10}")
    for split, found in report.splits.items():
        lines.append(
            f"{split:<12}{found['shards']:>8}{found['records']:>11,}{found['images']:>13,}"
            f"{found['bytes'] / 1e6:>10.1f}"
        )
    lines += _format_classes(report.splits)
    for finding in report.findings[:_SHOWN_FINDINGS]:
        lines.append(command_line.one_line(f"{finding.kind}: {finding.where}: {finding.what}"))
    more = len(report.findings) - _SHOWN_FINDINGS
    if more > 0:
        lines.append(f"... and {more} more; --json names them all")
    found = ", ".join(f"{count} {kind}" for kind, count in report.counts.items() if count)
    lines.append(f"found: {found}" if found else "nothing is wrong")
    return "\n".join(lines)


def _format_classes(splits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for found in splits.values() for name in found["class_counts"]))
    width = min(40, max((len(name) for name in names), default=0)) + 2
    lines = [f"{'class':<{width}}" + "".join(f"{split:>12}" for split in splits)]
    for name in names[:_SHOWN_CLASSES]:
        counts = (found["class_counts"].get(name, 0) for found in splits.values())
        lines.append(f"{name[: width - 2]:<{width}}" + "".join(f"{count:>12,}" for count in counts))
    if len(names) > _SHOWN_CLASSES:
        lines.append(f"... and {len(names) - _SHOWN_CLASSES} more classes; --json names them all")
    return lines


def build_parser() -> argparse.ArgumentParser:
    """The parser."""
    parser = argparse.ArgumentParser(
        prog="python -m datasets.verify",
        description="Reads a converted data set from end to end and reports images per class, "
        "images that do not decode, labels out of range, equal images and differences from the "
        "manifest. Exit status 1 when anything is wrong.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    number = {"type": command_line.at_least(0), "default": 0, "metavar": "N"}
    add("data_dir", type=command_line.directory, metavar="DIR", help="directory of the shards")
    add("--json", action="store_true", help="print the whole report as JSON")
    what = "data set of the catalogue, where no manifest says it"
    add("--dataset_name", default="", metavar="NAME", help=what)
    what = "labels are 0 to N - 1; 0 takes what the data set says of itself"
    add("--num_classes", **number, help=what)
    add("--num_logits", **number, help="every record must hold N teacher logits")
    add("--allow_duplicates", action="store_true", help="equal images are nothing wrong")
    what = "processes that read; small data sets use one (default: %(default)s)"
    workers = {"type": command_line.at_least(1), "default": pool.default_workers()}
    add("--num_workers", **workers, metavar="N", help=what)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 1 also when something is wrong."""
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    reports = []

    def body() -> None:
        report = verify(
            args.data_dir,
            dataset_name=args.dataset_name,
            num_classes=args.num_classes,
            num_logits=args.num_logits,
            allow_duplicates=args.allow_duplicates,
            num_workers=args.num_workers,
            show_progress=True,
        )
        print(json.dumps(report.to_json(), indent=1) if args.json else format_report(report))
        reports.append(report)

    status = command_line.run(body, "nothing was changed")
    return status or int(bool(reports[0].findings))
