"""The two lanes, TensorFlow 2.15 (A) and 2.21 (B), give each other's numbers and read its files.

`tests/reference/lanes/lane_*.zip` hold a run of one step and its export, each made in its lane by
`python tests/test_lanes.py`.
"""

import contextlib
import importlib.util
import io
import json
import os
import pathlib
import shutil
import sys
import zipfile

import numpy as np
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from datasets.conversion import command  # noqa: E402
from nets import ModelConfig, build_model, original_variable_names  # noqa: E402
from official import train  # noqa: E402
from official.export.exporter import export  # noqa: E402
from official.run import (  # noqa: E402
    DataConfig,
    RecipeConfig,
    RunConfig,
    RunOptions,
    checkpoints,
)
from preprocessing import PreprocessingConfig  # noqa: E402

tf = importlib.import_module("tensorflow")  # After the settings that the imports above make.

TESTS = pathlib.Path(__file__).parent
LANES = TESTS / "reference/lanes"
HERE = "B" if importlib.util.find_spec("tf_keras") else "A"
SIZE = 32
NETWORK = ModelConfig(
    resnet_size=18,
    num_filters=2,
    num_classes=2,
    use_resnet_d=True,
    use_sk_block=True,
    anti_alias_type="sconv",
    anti_alias_filter_size=3,
)


def recipe_module():
    spec = importlib.util.spec_from_file_location("nets_recipe", TESTS / "nets/recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_records(folder: pathlib.Path) -> str:
    """Eight pictures of noise for training and four for validation, as PNG: no decoder differs."""
    random = np.random.RandomState(7)
    for split, count in (("train", 4), ("validation", 2)):
        for name in ("one", "two"):
            place = folder / "photos" / split / name
            place.mkdir(parents=True)
            for number in range(count):
                pixels = random.randint(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
                picture = tf.io.encode_png(pixels).numpy()
                (place / f"{number}.png").write_bytes(picture)
    arguments = [f"--raw_dir={folder / 'photos'}", f"--output_dir={folder / 'records'}"]
    shards = ["--train_shards=1", "--validation_shards=1", "--num_workers=1"]
    assert command.main(["image_folder", *arguments, *shards]) == 0
    return str(folder / "records")


def config_for(records: str) -> RunConfig:
    """Two epochs of one step."""
    return RunConfig(
        NETWORK,
        PreprocessingConfig(image_size=SIZE),
        RecipeConfig(
            batch_size=8, train_epochs=2, base_learning_rate=0.001,
            learning_rate_decay_type="fixed", label_smoothing=0.1, weight_decay=1e-4,
        ),
        DataConfig(records),
    )  # fmt: skip


def train_one_step(folder: pathlib.Path) -> pathlib.Path:
    """A run of one step from the recipe's kernels, in `folder / "run"`."""
    records = write_records(folder)
    network = build_model(NETWORK, (SIZE, SIZE, 3))
    recipe = recipe_module()
    for name, variable in original_variable_names(network).items():
        if name.endswith("/kernel"):
            shape = variable.shape.as_list()
            # The first kernel as others are: a small one has large, cancelling gradients.
            variable.assign(recipe.value_for(name, shape) * (80 if shape[2:3] == [3] else 1))
    start = folder / "start"
    start.mkdir()
    configuration_of = config_for(records)
    (start / "config.json").write_text(json.dumps(configuration_of.to_dict()))
    tf.train.Checkpoint(network=network).save(str(start / "model.ckpt"))
    options = RunOptions(
        str(folder / "run"),
        pretrained_model_checkpoint_path=str(start),
        max_train_steps=1,
        num_best_ckpt_to_keep=0,
    )
    train.run(configuration_of, options)
    return folder / "run"


def variables_of(run: pathlib.Path) -> dict[str, np.ndarray]:
    """Every number in a run's checkpoint, by its key."""
    reader = tf.train.load_checkpoint(checkpoints.latest(str(run)))
    keys = [key for key, kind in reader.get_variable_to_dtype_map().items() if kind == tf.float32]
    return {key: reader.get_tensor(key) for key in keys}


def logits_of(run: pathlib.Path) -> np.ndarray:
    network = build_model(NETWORK, (SIZE, SIZE, 3))
    checkpoints.restore_network(network, str(run))
    return network(recipe_module().make_input(SIZE, 3), training=False).numpy()


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> pathlib.Path:
    """A run of one step in this lane."""
    return train_one_step(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module", params=["a", "b"])
def there(request, tmp_path_factory) -> pathlib.Path:
    """What a lane left behind: a run, its export and its logits."""
    folder = tmp_path_factory.mktemp(f"lane_{request.param}")
    with zipfile.ZipFile(LANES / f"lane_{request.param}.zip") as archive:
        archive.extractall(folder)
    return folder


def assert_close(found, wanted, what="", share=1e-5, least=1.0):
    assert np.abs(found - wanted).max() <= share * max(least, np.abs(wanted).max()), what


def test_a_step_gives_the_same_weights_in_both_lanes(here, there):
    found, wanted = variables_of(here), variables_of(there / "run")
    assert set(found) == set(wanted) and len(found) > 100
    for key, value in wanted.items():
        if "optimizer" in key:
            # Gradients are sums of terms that cancel; as large parts of them agree as of the
            # original's, see tests/official/train/test_trainer.py.
            assert_close(found[key], value, key, share=1e-3, least=0.1)
        else:
            assert_close(found[key], value, key)


def test_a_checkpoint_restores_in_both_lanes(there):
    assert_close(logits_of(there / "run"), np.load(there / "logits.npy"), least=0)


def test_training_goes_on_in_both_lanes(here, there, tmp_path):
    """With the momentum that the other lane left: the second step is as from one's own first."""
    records = str(here.parent / "records")
    for run in (here, there / "run"):
        shutil.copytree(run, tmp_path / run.parent.name)
    found, wanted = (
        train.run(
            config_for(records),
            RunOptions(str(tmp_path / run.parent.name), num_best_ckpt_to_keep=0),
        )
        for run in (there / "run", here)
    )
    for one, other in zip(found.weights, wanted.weights, strict=True):
        assert_close(one.numpy(), other.numpy(), one.name)


def test_an_export_works_in_both_lanes(there):
    version = there / "export/1"
    signature = tf.saved_model.load(str(version)).signatures["images"]
    pictures = tf.constant(recipe_module().make_input(SIZE, 3))
    assert_close(
        signature(images=pictures)["logits"].numpy(), np.load(there / "logits.npy"), least=0
    )


def make() -> None:
    """Writes the reference of the lane that this runs in."""
    import tempfile

    target = LANES / f"lane_{HERE.lower()}.zip"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run = train_one_step(folder)
        with contextlib.redirect_stdout(io.StringIO()):
            export(str(run), str(folder / "export"))
        np.save(folder / "logits.npy", logits_of(run))
        text = (run / "config.json").read_text().replace(f"{folder}/", "")
        of_here = ("directory", "command")
        kept_of = {key: value for key, value in json.loads(text).items() if key not in of_here}
        (run / "config.json").write_text(json.dumps(kept_of, indent=2))
        kept = ("config.json", "labels.txt", "checkpoint", "model.ckpt")
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                relative = path.relative_to(folder)
                of_run = relative.parts[0] == "run" and len(relative.parts) == 2
                if path.is_file() and (
                    relative.parts[0] in ("export", "logits.npy")
                    or (of_run and path.name.startswith(kept))
                ):
                    archive.write(path, relative)
    print(target, os.path.getsize(target))


if __name__ == "__main__":
    make()
