"""Who imports whom: the wings never see each other, and nobody looks into the hall."""

import ast
import graphlib
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
WINGS = ("nets", "preprocessing", "datasets")
HOUSE = {*WINGS, "official"}
# What every wing imports first.
START = "tensorflow_start"
# What each wing may use of other people's work, the standard library aside.
ALLOWED = {
    "nets": {"tensorflow"},
    "preprocessing": {
        "numpy",
        "tensorflow",
        "tensorflow_addons",
        "tensorflow_io",
        "cv2",
        "scipy",
        "PIL",
    },  # fmt: skip
    "datasets": {
        "tensorflow",
        "tensorflow_datasets",
        "numpy",
        "pyarrow",
        "matplotlib",
        "PIL",
        "tqdm",
    },
}


def imported(path: pathlib.Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module)
    return names


def files(folder: str) -> list[pathlib.Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, folder
    return found


@pytest.mark.parametrize("wing", WINGS)
def test_wings_stand_alone(wing):
    for path in files(wing):
        others = {name.split(".")[0] for name in imported(path)} & (HOUSE - {wing})
        assert not others, f"{path} imports {others}"


@pytest.mark.parametrize("wing", WINGS)
def test_wings_use_what_they_may(wing):
    import sys

    for path in files(wing):
        outside = {name.split(".")[0] for name in imported(path)} - {*HOUSE, START}
        foreign = outside - set(sys.stdlib_module_names) - ALLOWED[wing]
        assert not foreign, f"{path} imports {foreign}"


@pytest.mark.parametrize("wing", sorted(HOUSE))
def test_wings_start_tensorflow_in_one_way(wing):
    """Whatever of the wing is imported: its first import is that of the start."""
    body = ast.parse((ROOT / wing / "__init__.py").read_text(encoding="utf-8")).body
    first = next(node for node in body if isinstance(node, ast.Import | ast.ImportFrom))
    assert isinstance(first, ast.Import) and first.names[0].name == START


def test_the_start_imports_nothing_else():
    import sys

    names = {name.split(".")[0] for name in imported(ROOT / f"{START}.py")}
    assert names <= set(sys.stdlib_module_names)


def test_addons_stay_behind_one_module():
    users = [
        path.name
        for folder in HOUSE
        for path in files(folder)
        if any(name.split(".")[0] == "tensorflow_addons" for name in imported(path))
    ]
    assert len(users) <= 1, users


@pytest.mark.parametrize("folder", sorted(HOUSE))
def test_no_private_imports(folder):
    for path in files(folder):
        for name in imported(path):
            assert not name.startswith(("tensorflow.python", "keras")), f"{path}: {name}"


@pytest.mark.parametrize("folder", sorted(HOUSE))
def test_nobody_walks_the_private_graph_of_keras(folder):
    for path in files(folder):
        for word in ("inbound_nodes", "outbound_nodes", "_keras_history", "_nodes_by_depth"):
            assert word not in path.read_text(encoding="utf-8"), path


def test_only_commands_read_flags():
    """Flags stop at the door: nothing below the commands sees absl's flags."""
    doors = {ROOT / "official" / f"{name.replace('.', '/')}.py" for name in COMMANDS["official"]}
    for path in set(files("official")) - doors - set(files("official/command")):
        assert not any(name.split(".")[0] == "absl" for name in imported(path)), path


@pytest.mark.parametrize("wing", WINGS)
def test_wings_read_no_flags(wing):
    for path in files(wing):
        assert not any(name.split(".")[0] == "absl" for name in imported(path)), path


# The rooms of a wing, lowest first: each may import only those before it.
ROOMS = {
    "datasets": (
        "errors",
        "interrupts",
        "disk",
        "granted",
        "packages",
        "command_line",
        "catalog",
        "records",
        "sources",
        "conversion",
        "sets",
        "inspection",
    ),
    "official": (
        "early_interrupt",
        "run",
        "command",
        "input",
        "models",
        "checkpoints",
        "evaluate",
        "export",
        "serve",
        "teachers",
        "train",
        "report",
        "robustness",
        "benchmark",
        "rows",
    ),
}
# Modules of a wing that hold a command: they may import all its rooms, and nobody imports them ...
COMMANDS = {
    "datasets": (
        "conversion.command",
        "inspection.show_command",
        "inspection.verify_command",
        "sets.groceries",
    ),
    "official": (
        "__main__",
        *(
            f"{room}.__main__"
            for room in ("benchmark", "evaluate", "export", "models", "report", "serve")
        ),
        "rows.__main__",
        "train.__main__",
        "benchmark_ops",
        "cross_validate",
        "compare",
        "corrupt",
        "data_service",
        "distill",
        "import_checkpoint",
        "predict",
        "quickstart",
        "show",
    ),
}
# ... but the modules that are run.
DOORS = {"datasets": ("convert", "groceries", "show", "verify"), "official": ()}
# What some packages may import of a wing.
PARTS = {
    ("official/input", "datasets"): ("records", "errors", "catalog", "granted"),
    ("official/train", "datasets"): ("records", "errors", "catalog"),
    ("official/evaluate", "datasets"): ("records", "errors", "catalog"),
}


def imported_of(wing: str, path: pathlib.Path) -> set[str]:
    """What a file imports of a wing, without the wing's name: "records.schema.KEY_LABEL"."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {name.removeprefix(f"{wing}.") for name in names if name.startswith(f"{wing}.")}


def module_of(wing: str, path: pathlib.Path) -> str:
    return ".".join(path.relative_to(ROOT / wing).with_suffix("").parts)


def is_in(name: str, module: str) -> bool:
    return f"{name}.".startswith(f"{module}.")


@pytest.mark.parametrize("wing", ROOMS)
def test_rooms_import_only_those_below(wing):
    order = {room: place for place, room in enumerate(ROOMS[wing])}
    free = (*COMMANDS[wing], *DOORS[wing], "__init__")
    for path in files(wing):
        module = module_of(wing, path)
        if module in free:
            continue
        own = module.split(".")[0]
        assert own in order, f"{path} is in no room"
        above = {n for n in imported_of(wing, path) if order[n.split(".")[0]] > order[own]}
        assert not above, f"{path} imports {above}"


@pytest.mark.parametrize("wing", ROOMS)
def test_only_doors_import_commands(wing):
    for folder in HOUSE:
        for path in files(folder):
            if folder == wing and module_of(wing, path) in DOORS[wing]:
                continue
            names = imported_of(wing, path)
            found = {n for n in names for command in COMMANDS[wing] if is_in(n, command)}
            assert not found, f"{path} imports {found}"


@pytest.mark.parametrize("folder,wing", PARTS)
def test_packages_import_only_parts_of_a_wing(folder, wing):
    for path in files(folder):
        names = imported_of(wing, path)
        others = {n for n in names if not any(is_in(n, part) for part in PARTS[folder, wing])}
        assert not others, f"{path} imports {others}"


def test_no_files_import_each_other_in_a_circle():
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in HOUSE
        for path in files(folder)
    }
    graph = {}
    for module, path in paths.items():
        wings = {f"{wing}.{name}" for wing in HOUSE for name in imported_of(wing, path)}
        # What is imported of a module, or of a package that hands it on.
        found = {name if name in paths else name.rpartition(".")[0] for name in wings}
        graph[module] = found & set(paths) - {module}
    assert len(graph) > 150
    graphlib.TopologicalSorter(graph).prepare()
