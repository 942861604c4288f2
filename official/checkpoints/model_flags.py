"""Fields of a network as the flags of a command line, and as the named networks that have them."""

from collections.abc import Iterable, Mapping
from typing import Any

from nets import NAMED_MODELS, ModelConfig


def named_models_with(
    fields: Mapping[str, Any], but: Iterable[str] = ("num_classes",)
) -> list[str]:
    """Returns the named networks that have these fields, `but` for some."""
    return [
        name
        for name, variant in NAMED_MODELS.items()
        if all(
            getattr(variant.config, field) == value
            for field, value in fields.items()
            if field not in but
        )
    ]


def flags_of(fields: Mapping[str, Any]) -> str:
    """Returns model fields as flags of the command line, version and depth first."""
    first = [field for field in ("big_little", "resnet_size") if field in fields]
    words = []
    for field in (*first, *(field for field in fields if field not in first)):
        value = fields[field]
        if field == "big_little":
            words.append(f"--resnet_version={2 if value else 1}")
        elif isinstance(value, bool):
            words.append(f"--{field}" if value else f"--no{field}")
        else:
            words.append(f"--{field}={_written(value)}")
    return " ".join(words)


def _written(value: Any) -> str:
    """Returns a value as it stands behind `=`; several with commas between them."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def needed_flags(fields: Mapping[str, Any]) -> str:
    """Returns the flags for fields that differ from the defaults, depth and classes anyway."""
    default = ModelConfig()
    always = ("big_little", "resnet_size", "num_classes")
    return flags_of(
        {f: value for f, value in fields.items() if f in always or getattr(default, f) != value}
    )
