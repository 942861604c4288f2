"""Lists the commands, or runs one: `python -m official train ...`, `assembled-cnn train ...`."""

import difflib
import runpy
import sys

_NAME = "assembled-cnn"
COMMANDS = {
    "train": "trains a network on TFRecords; goes on where it stopped",
    "distill": "writes records anew with a teacher's logits, for a student to learn from",
    "evaluate": "scores a run on every image of a split",
    "compare": "says whether two runs differ on the same images by more than chance",
    "corrupt": "writes corrupted copies of a data set, as ImageNet-C has them",
    "export": "writes a run as a SavedModel, checked on encoded images",
    "predict": "classifies images with an exported model, or with a server that has one",
    "serve": "serves an exported model over HTTP, with a page to drop a photo on",
    "report": "puts finished runs into one table and one image",
    "models": "lists the paper's networks, or shows one: layers, cost, diagram",
    "import_checkpoint": "makes a run of weights of the original, Keras, torchvision or timm",
    "benchmark": "measures exported models, networks without a checkpoint, or the input",
    "benchmark_ops": "measures what each operation on images costs",
    "cross_validate": "trains and scores on parts of the data in turn; mean and deviation",
    "rows": "the rows of the paper's tables: what each needs, and running one",
    "show": "draws a data set as training sees it, or the learning rate of a recipe",
    "quickstart": "fits the quick start's batch and schedule to the photos",
    "data_service": "lets other hosts prepare the images of a training",
}


def listing() -> str:
    """Returns a line for each command."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {text}" for name, text in COMMANDS.items()]
    return "\n".join(
        [
            "Commands of Assembled-CNN for TensorFlow 2:",
            *lines,
            f"`python -m official.NAME --help` (or `{_NAME} NAME --help`) explains one; data sets "
            "are made by `python -m datasets.convert`, looked through by `datasets.verify` and "
            "`datasets.show`.",
        ]
    )


def main() -> None:
    """Runs the command that the first word names; without one lists them."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help", "help"):
        print(listing())
        return
    if words[0] not in COMMANDS:
        near = difflib.get_close_matches(words[0], COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"must be one of {', '.join(COMMANDS)}."
        print(f"error: there is no command {words[0]!r}; {hint}", file=sys.stderr)
        sys.exit(1)
    sys.argv = [f"{_NAME} {words[0]}", *words[1:]]
    runpy.run_module(f"official.{words[0]}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
