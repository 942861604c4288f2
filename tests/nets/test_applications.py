"""The door for Python: one function for every named network."""

import inspect

import numpy as np
import pytest
import tensorflow as tf

import nets

IMAGES = tf.random.stateless_normal([2, 40, 40, 3], [1, 1])
SMALL = {"num_filters": 2, "classes": 3}


def test_every_named_network_has_a_function():
    for name, variant in nets.NAMED_MODELS.items():
        function = getattr(nets, name)
        assert inspect.isfunction(function) and function.__name__ == name
        assert name in dir(nets) and name in nets.__all__
        assert f"nets.{name}(classes=5" in function.__doc__
        assert f"{variant.image_size} x {variant.image_size}" in function.__doc__
    assert nets.resnet.features  # No function hides a module.


def test_a_function_builds_the_named_configuration():
    network = nets.resnet50_sk(classes=5, input_shape=(64, 64, 3), num_filters=2, final_bias=-1.0)
    wanted = nets.named_config("resnet50_sk", num_classes=5, num_filters=2, final_bias=-1.0)
    assert network.config == wanted
    assert (network.name, network.input_shape) == ("resnet50_sk", (None, 64, 64, 3))
    assert network.output_shape == (None, 5)
    default = inspect.signature(nets.resnet50).parameters["classes"].default
    assert default == nets.named_config("resnet50").num_classes == 1001


def test_without_the_top():
    whole = nets.resnet18(**SMALL)
    part = nets.resnet18(include_top=False, **SMALL)
    assert part.output_shape == (None, None, None, 16)
    assert [layer.name for layer in part.layers] == [layer.name for layer in whole.layers[:-3]]
    for layer in part.layers:
        layer.set_weights(whole.get_layer(layer.name).get_weights())
    last = tf.keras.Model(whole.input, whole.get_layer("stage4").output)(IMAGES)
    np.testing.assert_array_equal(part(IMAGES), last)
    for pooling, reduce in (("avg", np.mean), ("max", np.max)):
        pooled = nets.resnet18(include_top=False, pooling=pooling, **SMALL)
        pooled.set_weights(part.get_weights())
        np.testing.assert_allclose(pooled(IMAGES), reduce(last, axis=(1, 2)), rtol=1e-5)
    assert set(nets.endpoints(pooled).output) == {
        "initial_conv", "initial_pool", "stage1", "stage2", "stage3", "stage4", "global_pool",
    }  # fmt: skip


def test_an_activation_behind_the_logits():
    network = nets.mobilenet_v1(classifier_activation="softmax", **SMALL)
    taken = nets.endpoints(network)(IMAGES)
    np.testing.assert_allclose(network(IMAGES), tf.nn.softmax(taken["logits"]), rtol=1e-5)


@pytest.mark.parametrize("file", ["w.weights.h5", "w.h5", "m.keras", "m.h5"])
@pytest.mark.parametrize("options", [{}, {"include_top": False, "pooling": "avg"}])
def test_weights_of_a_file_that_the_network_saved(tmp_path, file, options):
    network = nets.mobilenet_v1(use_dropblock=True, **options, **SMALL)
    path = tmp_path / file
    (network.save_weights if file.startswith("w") else network.save)(path)
    copy = nets.mobilenet_v1(use_dropblock=True, weights=path, **options, **SMALL)
    for one, other in zip(network.get_weights(), copy.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("file", ["w.weights.h5", "w.h5", "m.keras", "m.h5"])
def test_weights_that_do_not_fit_are_refused(tmp_path, file):
    path = str(tmp_path / file)
    network = nets.mobilenet_v1(**SMALL)
    (network.save_weights if file.startswith("w") else network.save)(path)
    for function, fields in (
        (nets.mobilenet_v1, {"classes": 4, "num_filters": 2}),
        (nets.se_mobilenet_v1_r2, SMALL),
    ):
        name = function.__name__
        with pytest.raises(ValueError, match=rf"weights='{path}' does not fit {name}: it must be"):
            function(weights=path, **fields)


def test_other_weights_are_refused(tmp_path):
    with pytest.raises(ValueError, match="weights='imagenet': it must be the path of .*no weights"):
        nets.mobilenet_v1(weights="imagenet", **SMALL)
    with pytest.raises(ValueError, match="there is no such file; it must be"):
        nets.mobilenet_v1(weights=tmp_path / "none.h5", **SMALL)
    (tmp_path / "broken.keras").write_text("no archive")
    with pytest.raises(ValueError, match="does not fit mobilenet_v1"):
        nets.mobilenet_v1(weights=tmp_path / "broken.keras", **SMALL)


def test_a_whole_model_is_loaded(tmp_path):
    network = nets.resnet18(**SMALL)
    network.compile("adam", "mse")
    network.fit(IMAGES, tf.zeros([2, 3]), verbose=0)
    network.save(tmp_path / "m.keras")
    loaded = nets.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded(IMAGES), network(IMAGES))
    assert int(loaded.optimizer.iterations) == 1 and loaded.config == network.config
    (tmp_path / "broken.keras").write_text("no archive")
    for name, reason in (("broken.keras", "no .keras file"), ("none.h5", "no such"), ("m", "must")):
        with pytest.raises(ValueError, match=reason):
            nets.load_model(tmp_path / name)


def test_a_network_is_built_by_its_name():
    assert nets.build_model("mobilenet_v1").config == nets.named_config("mobilenet_v1")
    with pytest.raises(ValueError, match="did you mean resnet50"):
        nets.build_model("resnet5")


def test_wrong_fields_are_refused():
    with pytest.raises(ValueError, match="num_classes=3: it is called classes here"):
        nets.resnet50(num_classes=3)
    with pytest.raises(ValueError, match="no field 'depth'"):
        nets.resnet50(depth=3)


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float16, np.int64])
def test_preprocessing_subtracts_the_channel_means(kind):
    images = np.array([[[[0, 100, 255]]]], kind)
    output = nets.preprocess_input(images)
    assert output.dtype == tf.float32
    np.testing.assert_allclose(output, [[[[-123.68, -16.78, 151.06]]]], rtol=1e-6)
    mapped = tf.data.Dataset.from_tensors(images).map(nets.preprocess_input)
    np.testing.assert_array_equal(next(iter(mapped)), output)


@pytest.mark.parametrize(
    "images, message",
    [
        ("photo.jpg", "not string; decode the files first"),
        (np.zeros([2, 3, 8, 8]), r"height, width, 3\], not of shape \(2, 3, 8, 8\)"),
        (np.zeros([8, 3]), r"not of shape \(8, 3\)"),
        (np.zeros([8, 8, 3], bool), "not bool"),
    ],
)
def test_what_is_no_image_is_refused(images, message):
    with pytest.raises(ValueError, match=message):
        nets.preprocess_input(images)


def test_readme_lines_train():
    network = nets.assemble_resnet50(classes=5, input_shape=(64, 64, 3), num_filters=4)
    photos = np.random.default_rng(0).integers(0, 256, [4, 64, 64, 3], dtype=np.uint8)
    x = nets.preprocess_input(photos)
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(tf.keras.optimizers.SGD(0.01), loss)
    history = network.fit(x, np.arange(4), batch_size=2, verbose=0).history
    assert np.isfinite(history["loss"][0])
    assert network.predict(x, verbose=0).shape == (4, 5)
