"""Lists the networks that have a name, or shows one of them.

    python -m official.models
    python -m official.models assemble_resnet50 --output assemble.png
    python -m official.models E11

The list gives parameters, FLOPs at the size of the evaluation (a multiplication and an addition are
one, as in the paper) and the table rows that a network is needed for. With names it prints the
layers of each and draws its stages; with the name of a table row, the network of that row.
"""

import sys

from absl import flags

from official.command import program
from official.models import listing

FLAGS = flags.FLAGS


def main(names: list[str]) -> None:
    """Lists all networks, or shows those that are named."""
    if not names:
        print(listing.listing())
        print(listing.NOT_BUILT, file=sys.stderr)
        return
    rows = [line for name in names for line in listing.rows_called(name)]
    names = [name for name in names if not listing.rows_called(name)]
    if rows:
        listing.show_rows(rows)
    if not names:
        return
    listing.check(names, FLAGS.num_classes, FLAGS.output)
    for name in names:
        path = listing.show(name, FLAGS.image_size, FLAGS.num_classes, FLAGS.output)
        print(f"picture: {path}", file=sys.stderr)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("output", "", "PNG file for the picture of a network; default: NAME.png.")
    flags.DEFINE_integer("image_size", 0, "Side of the images; 0: that of the evaluation.", 0, 4096)
    flags.DEFINE_integer("num_classes", 0, "Width of the classifier; 0: 1001.", lower_bound=0)


if __name__ == "__main__":
    define_flags()
    program.run(main, words=True)
