"""Compares the variables of a checkpoint with those of a network, and says why they differ."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from nets import ModelConfig
from official.checkpoints import infer_model, model_flags
from official.run.errors import RunError

Shape = tuple[int, ...]


class Mismatch(NamedTuple):
    """Variables that do not correspond; of `reshaped` the shapes in checkpoint and network."""

    missing: dict[str, Shape]
    left_over: dict[str, Shape]
    reshaped: dict[str, tuple[Shape, Shape]]

    def describe(self, shown: int | None = None) -> str:
        """Returns the variables that differ, a line each, under three headings.

        Of each kind come the first `shown`; all by default.
        """
        reshaped = {
            name: f"{there} in the checkpoint, {here} in the network"
            for name, (there, here) in self.reshaped.items()
        }
        parts = {
            "missing in the checkpoint": self.missing,
            "left over in the checkpoint": self.left_over,
            "of another shape": reshaped,
        }
        lines = []
        for heading, variables in parts.items():
            if not variables:
                continue
            lines.append(f"{heading} ({len(variables)}):")
            lines += [f"  {name}  {what}" for name, what in list(variables.items())[:shown]]
            if shown is not None and len(variables) > shown:
                lines.append(f"  and {len(variables) - shown} more")
        return "\n".join(lines)


def compare(found: Mapping[str, Shape], wanted: Mapping[str, Shape]) -> Mismatch:
    """Returns what differs between a checkpoint's variables and a network's."""
    return Mismatch(
        missing={name: shape for name, shape in wanted.items() if name not in found},
        left_over={name: found[name] for name in sorted(found) if name not in wanted},
        reshaped={
            name: (found[name], shape)
            for name, shape in wanted.items()
            if name in found and found[name] != shape
        },
    )


def require_match(
    where: str,
    found: Mapping[str, Shape],
    wanted: Mapping[str, Shape],
    config: ModelConfig,
    shown: int | None = None,
) -> None:
    """Refuses a checkpoint, `where`, whose variables are not exactly those of the network.

    Raises:
      RunError: the variables that differ, of each kind the first `shown` (None: all), and the
        likely cause.
    """
    mismatch = compare(found, wanted)
    if not any(mismatch):
        return
    causes = "\n".join(f"  {line}" for line in likely_causes(found, config))
    raise RunError(
        f"{where} does not fit the network: {len(mismatch.missing)} variables are missing, "
        f"{len(mismatch.left_over)} are left over, {len(mismatch.reshaped)} have another shape.\n"
        f"{mismatch.describe(shown)}\nlikely cause:\n{causes}"
    )


def likely_causes(found: Mapping[str, Shape], config: ModelConfig) -> list[str]:
    """Returns a line for each setting of `config` that the checkpoint's variables contradict."""
    try:
        inferred = infer_model.infer(found)
    except RunError as error:
        return [str(error)]
    lines = []
    for field, there in inferred.fields.items():
        here = getattr(config, field, None)
        if here != there:
            lines.append(_cause(field, there, here, inferred.reasons[field], config))
    if not lines and found.get("resnet_model/dense/kernel", (0,))[0] > 2**13:
        return ["flattened maps of another image size: see --image_size, --eval_image_size"]
    if not lines:
        return ["none of the flags that variables show: has the file been changed or cut?"]
    return [*lines, f"flags that fit: {model_flags.needed_flags(inferred.fields)}"]


def _cause(field: str, there: Any, here: Any, reason: str, config: ModelConfig) -> str:
    """Returns one line about a setting that differs."""
    flag, wrong = (model_flags.flags_of({field: value}) for value in (there, here))
    line = f"{flag}, not {wrong}: {reason}"
    if field == "num_classes":
        line = f"{flag}, not {wrong}: the classifier of the checkpoint has {there} classes"
        if (there, here) == (1001, 1000):
            line += "; the original's ImageNet networks have a background class at 0"
        elif (there, here) == (1000, 1001):
            line += "; this one has no background class at 0 (see --label_offset)"
    if field == "resnet_size":
        line = f"{flag}, not {wrong} (wrong depth): {reason}"
    if field == "use_resnet_d" and not there and config.big_little:
        line += "; the paper's BigLittle networks were trained without --use_resnet_d"
    return line


def shapes_of(variables: Mapping[str, tf.Variable]) -> dict[str, Shape]:
    """Returns the shapes of variables, by name."""
    return {name: tuple(variable.shape.as_list()) for name, variable in variables.items()}
