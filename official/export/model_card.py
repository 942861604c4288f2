"""The model card: what an exported model is, how good it is, and how to call it."""

import dataclasses
import hashlib
import os
import re
from collections.abc import Sequence

import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records import manifest
from nets import cost
from official.checkpoints import model_flags
from official.evaluate import recorded
from official.run import files, history
from official.run.classes import names_or_numbers
from official.run.configuration import RunConfig
from official.run.folder import (
    CONFIG_FILE,
    IMPORT_FILE,
    LABELS_FILE,
    PRETRAINED_FILE,
    REPORT,
    REPORT_FILE,
)
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig

CARD_FILE = "model_card.md"
# Classes that are listed; labels.txt has all.
_CLASSES = 100
# What a network of a name may differ in.
_FREE = (
    "num_classes", "seed", "final_bias", "bn_momentum", "zero_gamma", "use_dropblock",
    "dropblock_size", "dropblock_gamma_scales", "dropblock_keep_prob",
)  # fmt: skip
_CALL = """\
`image_bytes` takes encoded images, as they are on the disk; DIR is the folder of this card.

    python -m official.predict --saved_model DIR photo.jpg

or without this program:

    import tensorflow as tf
    classify = tf.saved_model.load("DIR").signatures["serving_default"]
    with open("photo.jpg", "rb") as file:
        answer = classify(image_bytes=tf.constant([file.read()]))
    answer["classes"], answer["probabilities"]  # int64 [N], float32 [N, C]
"""


def text(
    model_dir: str,
    config: RunConfig,
    prepared: PreprocessingConfig,
    checkpoint: str,
    found: Sequence[str],
) -> str:
    """Returns the card as Markdown.

    Args:
      model_dir: folder of the run, whose last evaluation of the checkpoint gives the scores.
      config: the run.
      prepared: how the exported model prepares images.
      checkpoint: name of the checkpoint that is exported.
      found: lines about the exported model: compared with the run's network, calibrated.
    """
    sections = {
        "Network": _network(config, prepared),
        "Scores": _scores(model_dir, checkpoint, found, config.model.num_classes),
        "Images": _images(prepared),
        "Training": _training(model_dir, config),
        "Data": _data(config),
        "Classes": _classes(config, model_dir, checkpoint),
        "How to call it": _CALL,
    }
    parts = [f"# {_plain(_title(config))}, {len(names_or_numbers(config))} classes\n"]
    parts += [f"## {title}\n\n{body.rstrip()}\n" for title, body in sections.items()]
    return "\n".join(parts)


def _title(config: RunConfig) -> str:
    """Returns the name of the network, or what it is."""
    names = model_flags.named_models_with(dataclasses.asdict(config.model), _FREE)
    if names:
        return names[0]
    if config.model.architecture != "resnet":
        return config.model.architecture
    return f"ResNet-{config.model.resnet_size}"


def _network(config: RunConfig, prepared: PreprocessingConfig) -> str:
    """Returns what the network is and costs."""
    counted = cost(config.model, prepared.eval_size)
    return _list(
        {
            "name": _title(config),
            "flags": _code(model_flags.needed_flags(dataclasses.asdict(config.model))),
            "parameters": f"{counted.parameters:,}, of which training changes "
            f"{counted.trainable:,}",
            "FLOPs": f"{2 * counted.multiply_adds:,} ({counted.multiply_adds:,} "
            f"multiplications with addition) for an image of {prepared.eval_size} x "
            f"{prepared.eval_size} pixels",
        }
    )


def _scores(model_dir: str, checkpoint: str, found: Sequence[str], classes: int) -> str:
    """Returns the scores of the last evaluation of the checkpoint."""
    known = recorded.last_of(model_dir, checkpoint)
    lines: dict[str, str] = {"checkpoint": checkpoint}
    if not (known and known["images"]):
        lines["scores"] = "none: it was not evaluated before the export (`official.evaluate`)"
    else:
        lines["data"] = f"{known['images']:,} images, {known['val_regex']} of {known['data_dir']}"
        names = {"top1": "top-1", "top5": "top-5"}
        if classes <= 5:
            del names["top5"]
        for key, name in names.items():
            low, high = recorded.interval(known[f"correct_{key}"], known["images"])
            lines[name] = (
                f"{100 * known[key]:.2f} % ({known[f'correct_{key}']:,} right; 95 % interval "
                f"{100 * low:.2f} to {100 * high:.2f} %)"
            )
        lines["calibration error (ECE)"] = f"{known['ece']:.4f}"
        lines["cross entropy"] = f"{known['cross_entropy']:.4f}"
        if known.get("views", "one") != "one":
            lines["views"] = f"mean over {known['views']}; the exported model takes one"
        if known.get("bad_records"):
            lines["not scored"] = f"{known['bad_records']:,} bad records"
        lines["evaluated"] = known.get("time", "")
    lines["exported model"] = "; ".join(found) or "not compared with the run's network (--noverify)"
    return _list(lines)


def _images(prepared: PreprocessingConfig) -> str:
    """Returns what the exported model does with an image, in words."""
    size = prepared.eval_size
    if prepared.family == "inception":
        values = "grey levels become values of 0 to 1"
    else:
        means = ", ".join(f"{mean:g}" for mean in prepared.channel_means)
        values = f"{means} are subtracted from grey levels of 0 to 255; nothing is divided"
    if prepared.family == "imagenet":
        shape = (
            f"the shorter side becomes {prepared.eval_shorter_side} pixels "
            f"({prepared.interpolation}), then the central {size} x {size} are cut out"
        )
    else:
        shape = f"{prepared.preprocessing_type}, to {size} x {size} pixels"
    turned = "applied" if prepared.exif_orientation else "not applied"
    lines = {
        "encoded as": prepared.decoder if prepared.decoder != "jpeg" else "JPEG or PNG",
        "EXIF orientation": turned,
        "size": shape,
        "channels": "red, green, blue",
        "values": values,
    }
    note = (
        "\nThe signature `serving_default` (`image_bytes`) does this by itself. The signature "
        f"`images` takes float32 [N, {size}, {size}, 3] to which it was done."
    )
    return _list(lines) + note


def _training(model_dir: str, config: RunConfig) -> str:
    """Returns the recipe: what differs from the defaults, and what everybody asks for."""
    path = os.path.join(model_dir, CONFIG_FILE)
    start = files.read_json(path)
    if not start.get("options"):
        source = _source(model_dir, IMPORT_FILE, "checkpoint")
        return _list({"trained": "elsewhere; the weights were imported", "weights": source})
    recipe, default = dataclasses.asdict(config.recipe), dataclasses.asdict(RecipeConfig())
    always = ("batch_size", "train_epochs", "base_learning_rate", "learning_rate_decay_type")
    fields = {k: v for k, v in recipe.items() if k in always or v != default[k]}
    lines = {
        "first weights": _source(model_dir, PRETRAINED_FILE, "source") or "random",
        "recipe": _code(model_flags.flags_of(fields)),
        "started with": _code(history.command_line(start["command"])),
        "versions": ", ".join(f"{k} {v}" for k, v in start["versions"].items()),
    }
    return _list(lines)


def _source(model_dir: str, name: str, key: str) -> str:
    """Returns where weights came from, as a file of MODEL_DIR says; empty without that file."""
    path = os.path.join(model_dir, name)
    return str(files.read_json(path).get(key, "")) if tf.io.gfile.exists(path) else ""


def _data(config: RunConfig) -> str:
    """Returns what the network was trained on: where it lay, how many images, its checksum."""
    folder = config.data.data_dir
    lines = {"folder": folder or "not known: the weights were imported"}
    if config.data.dataset_name:
        lines["data set"] = config.data.dataset_name
    try:
        found = manifest.load_manifest(folder) if folder else None
    except DatasetError:
        found = None
    if found is None:
        lines["images"] = (
            f"{config.data.num_images:,} for training" if config.data.num_images else "not known"
        )
        return _list(lines)
    for split, described in found["splits"].items():
        images = sum(shard["images"] for shard in described["shards"])
        each = described.get("class_counts", {}).values()
        lines[split] = f"{images:,} images" + (
            f", at least {min(each):,} and at most {max(each):,} of a class" if each else ""
        )
    with tf.io.gfile.GFile(os.path.join(folder, manifest.MANIFEST_FILE), "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    lines["checksum"] = (
        f"sha256 {digest} of {manifest.MANIFEST_FILE}, which has those of all shards"
    )
    return _list(lines)


def _classes(config: RunConfig, model_dir: str, checkpoint: str) -> str:
    """Returns the names by label, with what the report of the checkpoint says of each."""
    names = names_or_numbers(config)
    scores = _scores_of_classes(model_dir, checkpoint)
    rows = ["| label | class |", "|---|---|"]
    if scores:
        rows = [
            "| label | class | images | recall | 95 % interval | precision |",
            "|---|---|---|---|---|---|",
        ]
    for label, name in enumerate(names[:_CLASSES]):
        cells = [str(label), _plain(name)]
        if scores:
            one = scores[label]
            sure = one["recall_interval"]
            cells += [
                f"{one['images']:,}",
                _percent(one["recall"]),
                f"{_percent(sure[0])} to {_percent(sure[1])}" if sure else "",
                _percent(one["precision"]),
            ]
        rows.append(f"| {' | '.join(cells)} |")
    if len(names) > _CLASSES:
        rows.append(f"\nand {len(names) - _CLASSES:,} more: all are in `assets/{LABELS_FILE}`.")
    return "\n".join(rows)


def _scores_of_classes(model_dir: str, checkpoint: str) -> list[dict]:
    """Returns the classes of MODEL_DIR/report, if it is of the evaluation that the card shows."""
    path = os.path.join(model_dir, REPORT, REPORT_FILE)
    known = recorded.last_of(model_dir, checkpoint)
    found = files.read_json(path) if known and tf.io.gfile.exists(path) else {}
    return found["classes"] if found.get("evaluation") == known and known else []


class _Code(str):
    """A text in which Markdown has nothing to escape."""


def _code(value: str) -> _Code:
    """Returns a text in one line of code, whatever signs it holds."""
    fence = "`" * (1 + max(map(len, re.findall("`+", value)), default=0))
    space = " " if "`" in value else ""
    return _Code(f"{fence}{space}{' '.join(value.split())}{space}{fence}")


def _list(lines: dict[str, str]) -> str:
    """Returns a list of `name: value`; values are escaped, but for code."""
    return "".join(
        f"* {name}: {value if isinstance(value, _Code) else _plain(value)}\n"
        for name, value in lines.items()
    )


def _plain(value: str) -> str:
    """Returns a text that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>|$~&#])", r"\\\1", " ".join(value.split()))


def _percent(share: float | None) -> str:
    """Returns a share in 0 to 1 as `71.86 %`; a dash where there is none."""
    return "-" if share is None else f"{100 * share:.2f} %"
