"""The networks that have a name: the table of all, and the layers of one."""

import textwrap

from nets import NAMED_MODELS, ModelConfig, Variant, build_model, cost, named_config
from official.models import diagram
from official.run.errors import RunError

_COLUMNS = 100
NOT_BUILT = (
    "A row of a table by its name: python -m official.models E11. Not built yet: mCE (Food-101-C, "
    "ImageNet-C) and\nretrieval (recall at 1); official.evaluate scores classification."
)


def listing() -> str:
    """Returns the table of all networks, and below each the rows of the paper that need it."""
    width = max(len(name) for name in NAMED_MODELS)
    lines = [f"{'name':{width}}  parameters (M)  GFLOPs  evaluated at  trained at"]
    lines.append("-" * len(lines[0]))
    for name, variant in NAMED_MODELS.items():
        counted = cost(variant.config, variant.image_size)
        lines.append(
            f"{name:{width}}  {counted.trainable / 1e6:14.2f}  "
            f"{counted.multiply_adds / 1e9:6.2f}  {variant.image_size:12d}  "
            f"{variant.train_image_size:10d}"
        )
        lines.extend(table_rows(variant))
    return "\n".join(lines)


def rows_called(word: str) -> list[str]:
    """Returns a line for each row of the paper's tables of that name, as `E11` or `table7/E11`.

    Case does not matter.
    """
    table, _, row = word.lower().rpartition("/")
    lines = []
    for variant in NAMED_MODELS.values():
        for place in variant.table_rows:
            there, name = place.split("/", 1)
            if name.lower() == row and there.startswith(table):
                lines.append(
                    f"{name} of {there}: --model={variant.name} "
                    f"--preprocessing_type={variant.preprocessing_type}; trained at "
                    f"{variant.train_image_size} pixels, evaluated at {variant.image_size}"
                )
    return lines


def show_rows(lines: list[str]) -> None:
    """Prints rows, and where the rest of them is."""
    print("\n".join(lines))
    print(
        "How a row is trained (mixup, label smoothing, distillation, ...) says its script: "
        "`scripts/rows.sh list` names them all."
    )


def table_rows(variant: Variant) -> list[str]:
    """Returns indented lines such as `table7_assembling: E10, E11`, wrapped."""
    by_table: dict[str, list[str]] = {}
    for row in variant.table_rows:
        table, name = row.split("/", 1)
        by_table.setdefault(table, []).append(name)
    text = "; ".join(f"{table}: {', '.join(rows)}" for table, rows in by_table.items())
    indents = {"initial_indent": "    ", "subsequent_indent": "    "}
    return textwrap.wrap(text, _COLUMNS, **indents, break_on_hyphens=False)


def show(name: str, image_size: int = 0, num_classes: int = 0, output: str = "") -> str:
    """Prints the layers of a named network, draws it, and returns the PNG file.

    By default images have the size of its evaluation, classes are ImageNet's 1001, and the file is
    NAME.png in the current folder.

    Raises:
      RunError: no such network, or an impossible size.
    """
    config = chosen(name, num_classes)
    variant = NAMED_MODELS[name]
    size = image_size or variant.image_size
    output = output or f"{name}.png"
    model = build_model(config, (size, size, 3))
    model.summary(line_length=_COLUMNS)
    counted = cost(config, size)
    print(
        f"{name} at {size} x {size}: {counted.trainable:,} trainable parameters "
        f"({counted.parameters:,} with moving statistics), "
        f"{counted.multiply_adds / 1e9:.3f} GFLOPs"
    )
    print("\n".join(table_rows(variant)))
    diagram.draw(output, name, config, size)
    return output


def chosen(name: str, num_classes: int) -> ModelConfig:
    """Returns the configuration of a named network; raises RunError for an unknown name."""
    try:
        return named_config(name, **({"num_classes": num_classes} if num_classes else {}))
    except ValueError as error:
        raise RunError(
            f"{error} (`python -m official.models` lists all, with the rows of the paper's tables)"
        ) from error


def check(names: list[str], num_classes: int, output: str) -> None:
    """Refuses unknown names, and one file for several networks, before the first is built."""
    if len(names) > 1 and output:
        raise RunError(f"--output={output} is one file, but {len(names)} networks are named.")
    for name in names:
        chosen(name, num_classes)
