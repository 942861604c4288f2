"""The model card: what an exported model is, how good it is, and how to call it."""

import dataclasses
import hashlib
import os
import re
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from datasets.errors import DatasetError
from datasets.records import manifest
from nets import cost
from official.checkpoints import model_flags
from official.evaluate import recorded
from official.export import calls, formats
from official.run import files, history
from official.run.classes import names_or_numbers
from official.run.configuration import RunConfig
from official.run.export_options import ExportOptions
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
_ENCODED = {
    "jpeg": "JPEG or PNG", "png": "JPEG or PNG", "webp": "WebP", "any": "JPEG, PNG, WebP or BMP",
}  # fmt: skip
# Classes that are listed; labels.txt has all.
_CLASSES = 100
# What a network of a name may differ in.
_FREE = (
    "num_classes", "seed", "final_bias", "bn_momentum", "zero_gamma", "use_dropblock",
    "dropblock_size", "dropblock_gamma_scales", "dropblock_keep_prob",
)  # fmt: skip


class Findings(NamedTuple):
    """What was found out about an exported model, in lines.

    Attributes:
      model: how the SavedModel compares with the run's network, and its calibration.
      formats: how each other format compares, by name.
    """

    model: list[str]
    formats: dict[str, str]


def text(
    model_dir: str,
    config: RunConfig,
    prepared: PreprocessingConfig,
    options: ExportOptions,
    checkpoint: str,
    found: Findings,
) -> str:
    """Returns the card as Markdown.

    Args:
      model_dir: folder of the run, whose last evaluation of the checkpoint gives the scores.
      config: the run.
      prepared: how the exported model prepares images.
      options: what the exported model takes and gives.
      checkpoint: name of the checkpoint that is exported.
      found: what was found out about the exported model.
    """
    sections = {
        "Network": _network(config, prepared),
        "Scores": _scores(model_dir, checkpoint, found.model, config.model.num_classes),
        "Formats": _formats(options, found),
        "Images": _images(prepared, options),
        "Training": _training(model_dir, config),
        "Data": _data(config),
        "Classes": _classes(config, model_dir, checkpoint),
        "How to call it": calls.text(options),
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


def _formats(options: ExportOptions, found: Findings) -> str:
    """Returns the files, and how each was checked."""
    lines = {}
    if "savedmodel" in options.format:
        stored = {"fp16": ", weights stored as float16", "bf16": ", weights stored as bfloat16"}
        batch = options.export_batch_size
        lines["SavedModel"] = (
            "this folder; signatures serving_default (encoded images) and images (prepared ones); "
            f"{batch or 'any number of'} images in a request; computed in float32"
            + stored.get(options.export_weights, "")
        )
    for name in options.others:
        checked = found.formats.get(name, "not compared with the run's network (--noverify)")
        lines[name] = _Code(f"`{formats.FORMATS[name].file}`: {_plain(checked)}")
    if options.temperature != 1 and not options.export_embedding_only:
        lines["temperature"] = (
            f"{options.export_temperature}, by which logits are divided before they become "
            "probabilities"
        )
    return _list(lines)


def _images(prepared: PreprocessingConfig, options: ExportOptions) -> str:
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
        "encoded as": _ENCODED[prepared.decoder],
        "refused": f"more than {options.export_max_megapixels:g} megapixels, animations, what is "
        "damaged or of another format",
        "EXIF orientation": turned,
        "size": shape,
        "channels": "red, green, blue",
        "values": values,
    }
    sides = "H, W" if options.takes_any_size else f"{size}, {size}"
    note = (
        "\nThe signature `serving_default` (`image_bytes`) does this by itself. The signature "
        f"`images` takes float32 [N, {sides}, 3] to which it was done."
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
