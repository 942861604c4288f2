"""A small data set on disk: four classes of plain colours, as TFRecords, and a run over it."""

import importlib.util
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

import official.train
from datasets.conversion import command
from nets import ModelConfig, build_model, variable_shapes
from official.run import DataConfig, RecipeConfig, RunConfig, RunOptions, files
from preprocessing import PreprocessingConfig

REFERENCE = pathlib.Path(__file__).parent.parent / "reference"
COLOURS = {"blue": (40, 60, 200), "green": (40, 180, 60), "red": (200, 40, 40), "white": (230,) * 3}


def write_photos(folder: pathlib.Path, per_class: int, seed: int) -> None:
    """Writes noisy images of one colour per class, of different sizes."""
    random = np.random.RandomState(seed)
    for name, colour in COLOURS.items():
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            height, width = random.randint(40, 64, 2)
            pixels = np.array(colour) + random.normal(0, 20, (height, width, 3))
            picture = np.clip(pixels, 0, 255).astype(np.uint8)
            encoded = tf.io.encode_jpeg(picture, quality=95).numpy()
            (folder / name / f"{number:03d}.jpg").write_bytes(encoded)


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder / "train", per_class=10, seed=1)
    write_photos(folder / "validation", per_class=5, seed=2)
    return folder


@pytest.fixture(scope="session")
def records(photos, tmp_path_factory) -> pathlib.Path:
    """TFRecords of 40 training and 20 validation images of 4 classes."""
    folder = tmp_path_factory.mktemp("records")
    arguments = ["image_folder", f"--raw_dir={photos}", f"--output_dir={folder}"]
    assert command.main([*arguments, "--train_shards=2", "--validation_shards=1"]) == 0
    return folder


@pytest.fixture(scope="session")
def model_dir(records, tmp_path_factory) -> str:
    """A run of one step, of a small network; the name of its folder is one that people have."""
    folder = str(tmp_path_factory.mktemp("my run [1]") / "model")
    config = RunConfig(
        ModelConfig(resnet_size=18, num_filters=8, num_classes=4, bn_momentum=0.8),
        PreprocessingConfig(image_size=32),
        RecipeConfig(batch_size=8, train_epochs=1),
        DataConfig(str(records)),
    )
    official.train.run(config, RunOptions(folder, max_train_steps=1))
    return folder


@pytest.fixture(scope="session")
def recipe():
    """The module that makes every variable's value from its name and shape."""
    path = pathlib.Path(__file__).parent.parent / "nets/recipe.py"
    spec = importlib.util.spec_from_file_location("nets_recipe", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write_tf1(prefix, values):
    """Writes named tensors as TensorFlow 1's Saver does."""
    pathlib.Path(prefix).parent.mkdir(parents=True, exist_ok=True)
    names = sorted(values)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.convert_to_tensor(values[name]) for name in names],
    )
    return str(prefix)


@pytest.fixture(scope="session")
def write_tf1():
    return _write_tf1


@pytest.fixture
def call_command():
    """Runs a command's `main`, or another function, with flags as on its command line."""

    def call(module, *arguments, function=None):
        before = set(flags.FLAGS)
        module.define_flags()
        try:
            flags.FLAGS([module.__name__, *map(str, arguments)])
            return (function or module.main)()
        finally:
            for name in set(flags.FLAGS) - before:
                delattr(flags.FLAGS, name)
            flags.FLAGS.unparse_flags()
            flags.FLAGS.set_gnu_getopt(False)

    return call


@pytest.fixture(scope="session")
def small_values(recipe):
    """Recipe values for the variables of a network, by the original's names."""

    def make(config):
        shapes = variable_shapes(config)
        return {name: recipe.value_for(name, shape) for name, shape in shapes.items()}

    return make


@pytest.fixture(scope="session")
def write_run(records):
    """Writes a MODEL_DIR: the mean colour decides, or `always` one class."""

    def write(folder: pathlib.Path, always: int | None = None, names=()) -> tf.keras.Model:
        names = names or tuple((records / "labels.txt").read_text().split())
        config = RunConfig(
            ModelConfig(resnet_size=18, num_filters=8, num_classes=len(names)),
            PreprocessingConfig(preprocessing_type="imagenet", image_size=32),
            RecipeConfig(),
            DataConfig(
                str(records), num_classes=len(names), class_names=tuple(names), val_batch_size=8
            ),
        )
        files.write_json(str(folder / "config.json"), config.to_dict())
        tf.keras.utils.set_random_seed(1)
        network = build_model(config.model, (None, None, 3))
        if always is not None:
            bias = network.trainable_weights[-1]
            bias.assign(np.float32([1e6 * (n == always) for n in range(len(names))]))
        tf.train.Checkpoint(network=network).write(str(folder / "model.ckpt-7"))
        return network

    return write
