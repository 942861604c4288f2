"""The rows of the paper's tables: what there is, what a row needs, and running one.

    python -m official.rows list
    python -m official.rows needs table7/E11
    python -m official.rows run table7/E11 --data_dir DIR [--model_dir DIR] [training flags]
    python -m official.rows smoke [ROW ...]

A row is trained with scripts/TABLE/ROW.flags, scored, exported and measured; rows that it needs
(a backbone, a teacher) come first, unless they are trained. scripts/table7/E11.sh does the same as
`run table7/E11`. Flags of official.train go to the training of the row itself.
`smoke` runs rows with --smoke, all of them unless some are named.
"""

import os
import sys

from absl import flags

from datasets import catalog
from official.command import flags as run_flags
from official.command import in_process, program
from official.rows import chain, listing, registry, running, smoke, smoke_all
from official.rows.chain import Places
from official.run.errors import RunError

FLAGS = flags.FLAGS
_OWN = ("data_dir", "model_dir")
_USAGE = "list, needs ROW, run ROW or smoke [ROW ...], such as run table7/E11"


def main(words: list[str]) -> None:
    """Does what the first word says."""
    action, names = (words or ["nothing"])[0], words[1:]
    if action == "list" and not names:
        print(listing.table(_places()))
    elif action in ("needs", "run") and len(names) == 1:
        row = registry.get(names[0])
        needs(row) if action == "needs" else run(row)
    elif action == "smoke":
        smoke_rows(list(map(registry.get, names)) or list(registry.ROWS.values()))
    else:
        raise RunError(f"{' '.join(words) or 'nothing was asked for'}: it must be {_USAGE}.")


def needs(row: registry.Row) -> None:
    """Prints what must be there before a row."""
    print("\n".join(listing.needs(row, _places(row))))


def run(row: registry.Row) -> None:
    """Runs all that makes a row, prints the commands, or does it all in miniature."""
    if FLAGS.smoke:
        smoke.run(
            row, in_process.call, sys.stderr, run_flags.given_training_flags(_OWN), FLAGS.smoke_dir
        )
        return
    steps = chain.steps(row, _places(row), run_flags.given_training_flags(_OWN))
    if FLAGS.dry_run:
        print("\n".join(map(str, steps)))
        return
    print("\n".join(listing.needs(row, _places(row))), file=sys.stderr)
    running.run(steps)


def smoke_rows(rows: list[registry.Row]) -> None:
    """Runs rows in miniature; raises RunError if some failed."""
    failed = smoke_all.run(rows, FLAGS.output, sys.stderr)
    print(f"{len(rows) - failed} of {len(rows)} rows passed; {FLAGS.output}")
    if failed:
        raise RunError(f"{failed} of {len(rows)} rows failed, see above.")


def _places(row: registry.Row | None = None) -> Places:
    """Returns where things are: by flags, else by the environment."""
    environ = os.environ
    named = {name: environ.get(f"DATA_DIR_{name.upper()}", "") for name in catalog.names()}
    own = FLAGS.data_dir or environ.get("DATA_DIR", "")
    if row and own:
        named[row.dataset] = own
    return Places(
        runs_dir=FLAGS.runs_dir or environ.get("RUNS_DIR") or registry.RUNS,
        model_dir=(FLAGS.model_dir or environ.get("MODEL_DIR", "")) if row else "",
        data_dirs={name: os.path.expanduser(path) for name, path in named.items() if path},
        planned=FLAGS.dry_run,
        teacher=FLAGS.distill_from,
    )


def define_flags() -> None:
    """Defines the flags of this command: its own and those of a training."""
    FLAGS.set_gnu_getopt()
    run_flags.define_training_flags()
    flags.DEFINE_string("runs_dir", "", "Folder of the runs of rows; default: RUNS_DIR, or runs.")
    flags.DEFINE_string(
        "distill_from",
        "",
        "Teacher whose logits are written into the TFRecords, as `official.distill --teacher`; "
        "default: the row's, or what stands in for it.",
    )
    flags.DEFINE_boolean("dry_run", False, "Print the commands instead of running them.")
    flags.DEFINE_boolean(
        "smoke",
        False,
        "Run all of it in miniature in this process: few made-up pictures of 32 to 64 pixels, of "
        "the data set's own schema and class names, a narrow network, few steps.",
    )
    flags.DEFINE_string("output", "results/smoke.md", "Where `smoke` writes its table.")
    flags.DEFINE_string("smoke_dir", "", "Keep what --smoke makes there; default: removed.")


if __name__ == "__main__":
    define_flags()
    program.run(main, words=True)
