"""Reference values of the original and models that carry the recipe's weights."""

import functools
import importlib.util
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, original_variable_names

HERE = pathlib.Path(__file__).parent
REFERENCE = HERE.parent / "reference" / "nets"


def _load_recipe():
    spec = importlib.util.spec_from_file_location("nets_recipe", HERE / "recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECIPE = _load_recipe()


@functools.cache
def value_for(name, shape, scaled):
    """The recipe's value; the given networks share most of theirs (400 MB in all)."""
    return RECIPE.value_for(name, list(shape), scaled)


class Reference:
    """Reads reference files, fills models, measures distances."""

    recipe = RECIPE

    def json(self, name):
        return json.loads((REFERENCE / f"{name}.json").read_text())

    def npz(self, name):
        return np.load(REFERENCE / f"{name}.npz")

    def config(self, case, **changes):
        values = dict(case["config"])
        big_little = values.pop("resnet_version", 1) == 2
        fields = {"big_little": big_little, "num_classes": case["num_classes"], **values}
        return ModelConfig(**{**fields, **changes})

    def fill(self, model, scaled=()):
        """Gives every variable of the model the recipe's value; returns names -> variables."""
        variables = original_variable_names(model)
        for name, variable in variables.items():
            variable.assign(value_for(name, tuple(variable.shape), name in scaled))
        return variables

    def error(self, value, expected):
        """Largest difference, relative to the largest magnitude."""
        value, expected = np.asarray(value), np.asarray(expected)
        assert value.shape == expected.shape
        return np.abs(value - expected).max() / np.abs(expected).max()


@pytest.fixture(scope="session")
def reference():
    return Reference()


@pytest.fixture(scope="session")
def filled_model(reference):
    """Builds a model of `models/` with the recipe's weights; keeps the last one."""
    kept = {}

    def build(name, shape=(None, None, 3)):
        if name not in kept:
            kept.clear()
            case = reference.json(f"models/{name}")
            model = build_model(reference.config(case), shape)
            reference.fill(model, set(case["scaled_gammas"]))
            kept[name] = model
        return kept[name]

    return build


@pytest.fixture
def policy():
    """Sets a mixed precision policy for one test."""
    before = tf.keras.mixed_precision.global_policy()
    yield tf.keras.mixed_precision.set_global_policy
    tf.keras.mixed_precision.set_global_policy(before)


@pytest.fixture(scope="session")
def small_config():
    """Every tweak of the final model, at a width that builds and runs fast."""
    return ModelConfig(
        num_filters=8,
        num_classes=5,
        big_little=True,
        use_sk_block=True,
        use_se_block=True,
        anti_alias_type="sconv",
        anti_alias_filter_size=3,
        use_dropblock=True,
    )


@pytest.fixture(scope="session")
def small_model(small_config):
    """The model of `small_config`; tests leave its weights alone."""
    return build_model(small_config)
