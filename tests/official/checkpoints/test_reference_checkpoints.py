"""Every reference network through a TensorFlow 1 checkpoint and the importer, to its logits."""

import functools
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import original_variable_names
from official import import_checkpoint as import_command
from official.run import configuration
from official.run.checkpoints import latest, restore_network
from official.run.network import network_for_inference

MODELS = pathlib.Path(__file__).parents[2] / "reference/nets/models"
# What no variable shows, and the importer does not assume.
UNSEEN = {
    "v1_r50_aa3": ["--anti_alias_type=sconv", "--anti_alias_filter_size=3"],
    "v1_r50_gem": ["--pool_type=gem"],
}
STEP = 750600


@pytest.fixture(scope="module")
def value_for(recipe):
    """The recipe's value; the networks share most of theirs."""
    return functools.cache(recipe.value_for)


@pytest.fixture
def write_reference(value_for, write_tf1, tmp_path):
    """Writes a reference network as a training leaves it: slots, averages and step beside it."""

    def write(case):
        scaled = set(case["scaled_gammas"])
        contents = {"global_step": np.int64(STEP)}
        for name, shape in case["variables"]:
            contents[name] = value_for(name, tuple(shape), name in scaled)
            if np.prod(shape) > 2**16:
                continue  # The large ones take time to write and show nothing more.
            contents[f"{name}/ExponentialMovingAverage"] = tf.fill(shape, 9.0)
            if "moving_" not in name:
                contents[f"{name}/Momentum"] = tf.fill(shape, -9.0)
        return write_tf1(tmp_path / f"original/model.ckpt-{STEP}", contents), contents

    return write


def check_against_the_original(network, recipe, name):
    expected = np.load(MODELS / f"{name}.npz")
    layers = {"logits": "dense", "pool": "global_pool", "embedding": "embedding"}
    outputs = {key: network.get_layer(layer).output for key, layer in layers.items()}
    predict = tf.keras.Model(network.input, outputs)
    found = predict(recipe.make_input(224), training=False)
    for key in layers:
        if f"{key}_224" in expected:
            wanted = expected[f"{key}_224"]
            assert np.abs(found[key] - wanted).max() < 1e-5 * np.abs(wanted).max(), key


@pytest.mark.parametrize("name", sorted(path.stem for path in MODELS.glob("*.json")))
def test_logits_behind_the_importer(name, recipe, write_reference, call_command, tmp_path, capsys):
    case = json.loads((MODELS / f"{name}.json").read_text())
    prefix, contents = write_reference(case)
    folder = str(tmp_path / "model")
    call_command(
        import_command, f"--checkpoint={prefix}", f"--model_dir={folder}", "--infer",
        *UNSEEN.get(name, []),
    )  # fmt: skip
    out, err = capsys.readouterr()
    numbers = sum(int(np.prod(shape)) for _, shape in case["variables"])
    assert f"mapped {len(case['variables'])} variables, {numbers:,} numbers" in out
    slots, averages = (
        sum(name.endswith(kind) for name in contents)
        for kind in ("/Momentum", "/ExponentialMovingAverage")
    )
    assert slots > 100 and averages > 200
    assert f"ignored {slots}: optimiser slot Momentum" in out
    assert f"ignored {averages}: moving average" in out
    assert latest(folder).endswith(f"model.ckpt-{STEP}")
    config = configuration.load(folder)
    network = network_for_inference(config.model)
    restore_network(network, folder)
    assert list(original_variable_names(network)) == [name for name, _ in case["variables"]]
    check_against_the_original(network, recipe, name)
    if name == "assemble_r50":
        assert "--anti_alias_type='sconv' (assumed" in err
        assert config.preprocessing.preprocessing_type == "imagenet_224_256"
