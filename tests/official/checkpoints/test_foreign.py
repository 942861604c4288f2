"""Weights of Keras, torchvision and timm: the same logits, the same images, clear refusals."""

import importlib.util
import json
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf

import official
from nets import NAMED_MODELS, ModelConfig, original_variable_names
from official import import_checkpoint as import_command
from official.checkpoints import keras_weights, sources, timm_weights
from official.checkpoints.tensor_files import KerasFile
from official.evaluate import evaluation
from official.export import exporter, serving
from official.run import configuration
from official.run.errors import RunError
from preprocessing import PreprocessingConfig, eval_image

TESTS = pathlib.Path(__file__).parents[2]
JUDGED = json.loads((TESTS / "reference/official/timm.json").read_text())["networks"]


def _module(name):
    spec = importlib.util.spec_from_file_location(name, TESTS / f"interop/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, module)
    spec.loader.exec_module(module)
    return module


formula = _module("formula")
compare = _module("compare")


def narrow_resnet18(classes=4, width=8):
    """The tensors of a ResNet-18 with torchvision's names, but `width` channels behind the stem."""
    shapes = {}
    for name, shape in JUDGED["resnet18"]["tensors"].items():
        shape = [size * width // 64 if size >= 64 else size for size in shape]
        shapes[name] = [classes, *shape[1:]] if name.startswith("fc.") else shape
    return {name: formula.tensor(name, shape) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    path = tmp_path_factory.mktemp("narrow") / "model.safetensors"
    formula.write_safetensors(path, narrow_resnet18())
    return path


@pytest.mark.parametrize("name", JUDGED)
def test_logits_are_those_of_timm(name, tmp_path):
    """Also at an odd size, where pools and shortcuts differ from the original's."""
    found = compare.differences(name, JUDGED[name], str(tmp_path))
    assert found.keys() == {"64x64", "75x61"} and max(found.values()) < 1e-5, found
    if name == "resnet18":  # The judge sees a pad that sits elsewhere.
        wrong = compare.differences(name, JUDGED[name], str(tmp_path), max_pool_padding="same")
        assert min(wrong.values()) > 1e-3, wrong


@pytest.fixture(scope="module")
def keras_resnet50():
    """Keras' own network with weights by formula, logits without softmax."""
    network = tf.keras.applications.ResNet50(
        weights=None, classes=7, input_shape=(75, 75, 3), classifier_activation=None
    )
    for layer in network.layers:
        leaves = ("kernel", "bias") if len(layer.weights) == 2 else (
            "gamma", "beta", "moving_mean", "moving_variance")  # fmt: skip
        if layer.weights:
            pairs = zip(leaves, layer.get_weights(), strict=True)
            layer.set_weights([formula.tensor(f"{layer.name}/{k}", v.shape) for k, v in pairs])
    return network


def test_logits_are_those_of_keras(keras_resnet50, tmp_path):
    path = tmp_path / "weights.h5"
    keras_resnet50.save_weights(path)
    network = official.load_network("resnet50_keras", path)
    images = formula.pictures(75, 75)
    wanted = keras_resnet50(tf.keras.applications.resnet.preprocess_input(images.copy())).numpy()
    means = np.array(network.preprocessing.channel_means, np.float32)
    logits = network(images - means, training=False).numpy()
    assert np.abs(logits - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert network.preprocessing == PreprocessingConfig(
        channel_means=(123.68, 116.779, 103.939), interpolation="bilinear"
    )


def test_every_format_of_keras_gives_the_same_weights(keras_resnet50, tmp_path):
    """A whole model as .keras and HDF5, weights alone in both layouts, old names, TensorFlow.js."""
    for name in ("model.keras", "model.h5"):
        keras_resnet50.save(tmp_path / name)
    for name in ("alone.h5", "alone.weights.h5"):
        keras_resnet50.save_weights(tmp_path / name)
    files = [sources.read(str(tmp_path / n)) for n in
             ("alone.h5", "model.keras", "model.h5", "alone.weights.h5")]  # fmt: skip
    assert all(file.network["use_resnet_b"] is False for file in files)
    for file in files[1:]:
        assert file.shapes == files[0].shapes
        for name, value in file.arrays.items():
            np.testing.assert_array_equal(value, files[0].arrays[name], err_msg=name)
    # TensorFlow.js, with the names and the epsilon of 2016.
    layers = {layer.name: layer.get_weights() for layer in keras_resnet50.layers if layer.weights}
    path = write_tfjs(tmp_path / "js", {old_name(name): value for name, value in layers.items()})
    old = sources.read(str(path))
    assert old.shapes == files[0].shapes and old.network["bn_epsilon"] == 1e-3
    for name, value in old.arrays.items():
        # Keras' newer epsilon is the smallest that TensorFlow has, so gammas stay as they are.
        np.testing.assert_array_equal(value, files[0].arrays[name], err_msg=name)


def old_name(name):
    """`conv3_block2_0_bn` -> `bn3b_branch1`: Keras' layers as they were called until 2018."""
    if name in ("conv1_conv", "conv1_bn"):
        return {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}[name]
    if name == "predictions":
        return "fc1000"
    stage, block, part, kind = name.removeprefix("conv").replace("block", "").split("_")
    branch = "1" if part == "0" else "2" + " abc"[int(part)]
    start = {"conv": "res", "bn": "bn"}[kind]
    return f"{start}{stage}{'abcdef'[int(block) - 1]}_branch{branch}"


def write_tfjs(folder, layers):
    """Writes model.json and two files of numbers, as TensorFlow.js' converter does."""
    folder.mkdir()
    weights, data, configs = [], b"", []
    for name, arrays in layers.items():
        norm = len(arrays) == 4
        leaves = ("gamma", "beta", "moving_mean", "moving_variance") if norm else ("kernel", "bias")
        for leaf, value in zip(leaves, arrays, strict=True):
            weights.append({"name": f"{name}/{leaf}", "shape": value.shape, "dtype": "float32"})
            data += np.asarray(value, "<f4").tobytes()
        kinds = {True: "BatchNormalization", False: "Conv2D" if arrays[0].ndim == 4 else "Dense"}
        options = {"name": name, "epsilon": 1e-3, "strides": [2, 2]}
        configs.append({"class_name": kinds[norm], "config": options})
    half = len(data) // 2
    (folder / "a.bin").write_bytes(data[:half])
    (folder / "b.bin").write_bytes(data[half:])
    model = {"config": {"layers": configs}}
    manifest = [{"paths": ["a.bin", "b.bin"], "weights": weights}]
    text = json.dumps({"modelTopology": {"model_config": model}, "weightsManifest": manifest})
    (folder / "model.json").write_text(text)
    return folder


def test_a_bias_and_an_epsilon_are_folded_exactly():
    """By hand: (x + b - mean) * gamma / sqrt(var + e), one channel."""
    tensors = narrow_resnet18()
    plain = timm_weights.read("x", tensors)
    shifted = timm_weights.read("x", {**tensors, "layer1.0.conv1.bias": np.full(8, 0.5, "f4")})
    name = "resnet_model/batch_normalization_1/"
    moved = plain.arrays[f"{name}moving_mean"] - shifted.arrays[f"{name}moving_mean"]
    np.testing.assert_allclose(moved, 0.5, atol=1e-6)
    tensors["bn1.running_var"] = np.zeros(8, np.float32)
    gamma = timm_weights.read("x", tensors).arrays["resnet_model/batch_normalization/gamma"]
    # torch's epsilon is 1e-5, TensorFlow's smallest 1.001e-5.
    np.testing.assert_allclose(gamma / tensors["bn1.weight"], np.sqrt(1.001), rtol=1e-6)


def test_the_command_finds_network_and_images(narrow, records, call_command, tmp_path, capsys):
    """Imported, evaluated and exported: the conventions of the weights are in all of them."""
    model_dir = tmp_path / "model"
    call_command(
        import_command, f"--checkpoint={narrow}", f"--model_dir={model_dir}",
        f"--data_dir={records}", "--image_size=64", "--crop_share=1",
    )  # fmt: skip
    printed = capsys.readouterr()
    assert "named networks with these variables" not in printed.err  # None is so narrow.
    assert "images: 64 x 64, cut from a shorter side of 64, bilinear, less 123.675, 116.28" in (
        printed.err)  # fmt: skip
    assert "(torchvision or timm), step 0" in printed.out
    config = configuration.load(str(model_dir))
    assert config.model == ModelConfig(
        resnet_size=18, num_filters=8, num_classes=4, max_pool_padding="symmetric"
    )
    assert config.preprocessing == PreprocessingConfig(
        image_size=64, crop_share=1.0, channel_means=(123.675, 116.28, 103.53),
        interpolation="bilinear",
    )  # fmt: skip
    with pytest.raises(RunError, match=r"is of a run of this program: official.load\('"):
        official.load_network(weights=model_dir)
    result = evaluation.evaluate(str(model_dir))
    evaluation.record(str(model_dir), result)
    exported = serving.Served(exporter.export(str(model_dir), str(tmp_path / "export")))
    described = exported.description["preprocessing"]
    assert described["channel_means"] == [123.675, 116.28, 103.53]
    assert (described["crop_share"], described["interpolation"]) == (1.0, "bilinear")
    # The same by way of Python: pictures from bytes, and the network of the file.
    network = official.load_network(weights=narrow)
    network.save(tmp_path / "model.keras")  # What it knows of images is no obstacle.
    photo = tf.io.encode_jpeg(np.full([40, 60, 3], (200, 40, 40), np.uint8)).numpy()
    images = eval_image(tf.constant(photo), config.preprocessing)[tf.newaxis]
    logits = exported.signature("serving_default")(image_bytes=tf.constant([photo]))["logits"]
    np.testing.assert_allclose(logits, network(images, training=False), rtol=1e-4, atol=1e-5)


def test_timms_config_beside_the_file_is_known(narrow, tmp_path):
    folder = tmp_path / "models--timm--resnet18d"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(narrow.read_bytes())
    told = {
        "architecture": "resnetblur18",
        "pretrained_cfg": {
            "mean": [0.5, 0.4, 0.3], "std": [0.5, 0.25, 0.2], "crop_pct": 0.95,
            "interpolation": "bicubic", "input_size": [3, 160, 160],
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(told))
    network = official.load_network(weights=folder)
    assert network.config.anti_alias_type == "max,sconv"
    assert network.preprocessing == PreprocessingConfig(
        preprocessing_type="imagenet_160", channel_means=(127.5, 102.0, 76.5), crop_share=0.95,
        interpolation="bicubic",
    )  # fmt: skip
    kernel = original_variable_names(network)["resnet_model/conv2d/kernel"].numpy()
    wanted = narrow_resnet18()["conv1.weight"].transpose(2, 3, 1, 0)
    np.testing.assert_allclose(kernel[:, :, 1], wanted[:, :, 1] / 63.75, rtol=1e-6)
    told["architecture"] = "skresnet18"
    (folder / "config.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match="is a skresnet18, which has no counterpart here"):
        sources.read(str(folder))


def test_training_starts_from_them(narrow, records, call_command, tmp_path, capsys):
    """Network, mean and interpolation are those of the weights; three classes make a new head."""
    from official.train import __main__ as train_command

    call_command(
        train_command, f"--pretrained={narrow}", f"--data_dir={records}", "--image_size=32",
        f"--model_dir={tmp_path}/run", "--batch_size=8", "--max_train_steps=1", "--num_gpus=0",
    )  # fmt: skip
    printed = capsys.readouterr().err
    assert "102 of 102 variables restored" in printed
    config = configuration.load(f"{tmp_path}/run")
    assert (config.model.resnet_size, config.model.max_pool_padding) == (18, "symmetric")
    assert config.preprocessing.channel_means == (123.675, 116.28, 103.53)
    assert config.preprocessing.interpolation == "bilinear"


def refused_tensors():
    """State dictionaries of designs without a counterpart, and what is said of them."""
    plain = narrow_resnet18()
    fifty = {name: np.zeros(shape, np.float32) for name, shape in JUDGED["resnet50"][
        "tensors"].items()}  # fmt: skip
    grouped = {**fifty, "layer1.0.conv2.weight": np.zeros([128, 4, 3, 3], np.float32)}
    grouped["layer1.0.conv1.weight"] = np.zeros([128, 64, 1, 1], np.float32)
    wide = {**fifty, "layer1.0.conv1.weight": np.zeros([128, 64, 1, 1], np.float32),
            "layer1.0.conv2.weight": np.zeros([128, 128, 3, 3], np.float32)}  # fmt: skip
    group_norm = {k: v for k, v in fifty.items() if "running" not in k}
    yield {**plain, "layer1.0.conv2.paths.0.conv.weight": plain["fc.bias"]}, "skresnet, which spl"
    yield grouped, r"grouped convolutions \(ResNeXt\)"
    yield wide, "a wide ResNet, whose first block has 128 channels"
    yield group_norm, "without batch statistics"
    yield {"layer0.conv1.weight": plain["conv1.weight"]}, "legacy_se family"
    yield {"features.0.weight": plain["conv1.weight"]}, r"it has features.0.weight"
    yield {**plain, "maxpool.0.weight": plain["conv1.weight"]}, "maxpool.0.weight have no counter"
    yield {**plain, "fc2.weight": plain["fc.weight"]}, r"2 dense layers \(fc, fc2\)"
    missing = {k: v for k, v in plain.items() if k != "layer2.0.bn1.running_var"}
    yield missing, "lacks layer2.0.bn1.running_var"


@pytest.mark.parametrize("tensors, message", refused_tensors())
def test_designs_without_a_counterpart_are_named(tensors, message):
    with pytest.raises(RunError, match=message):
        timm_weights.read("model.safetensors", tensors)


def test_files_of_training_scripts(tmp_path):
    """Wrapped, with prefixes of wrappers, raw and averaged weights."""
    plain = narrow_resnet18()
    averaged = {f"module.{name}": 2 * value for name, value in plain.items()}
    content = {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in plain.items()},
               "state_dict_ema": averaged}  # fmt: skip
    raw = timm_weights.read("x.pth", content)
    mean = timm_weights.read("x.pth", content, averages=True)
    name = "resnet_model/dense/bias"
    np.testing.assert_array_equal(raw.arrays[name], plain["fc.bias"])
    np.testing.assert_array_equal(mean.arrays[name], 2 * plain["fc.bias"])
    with pytest.raises(RunError, match="holds no moving averages"):
        timm_weights.read("x.pth", {"state_dict": plain}, averages=True)
    with pytest.raises(RunError, match="by its name a resnetaa"):
        timm_weights.read("dir/resnetaa50_a1h-4cf422b3.pth", plain)
    blurred = timm_weights.read("dir/resnetblur50-84f4748f.pth", plain)
    assert blurred.network["anti_alias_type"] == "max,sconv"


def test_keras_networks_without_a_counterpart():
    kernel, vector = np.zeros([1, 1, 4, 4], "f4"), np.zeros(4, "f4")
    second = {"conv1_conv": [kernel], "conv2_block1_preact_bn": [vector] * 4}
    with pytest.raises(RunError, match=r"version 2 \(pre-activation\)"):
        keras_weights.read("x.h5", KerasFile(second, {}))
    with pytest.raises(RunError, match="its layers are block1_conv1. Keras' ResNet50"):
        keras_weights.read("x.h5", KerasFile({"block1_conv1": [kernel, vector]}, {}))
    inside = {"rescaling": {"class_name": "Rescaling", "scale": 1 / 255}}
    with pytest.raises(RunError, match=r"the layers rescaling \(Rescaling\) have no counterpart"):
        keras_weights.read("x.keras", KerasFile({}, inside))


def test_another_network_than_the_weights_is_refused(narrow):
    """All shapes are the same, but a pad sits elsewhere."""
    with pytest.raises(RunError, match="max_pool_padding='same', not 'symmetric'.*give no --model"):
        official.load_network("resnet18", narrow, num_filters=8)
    with pytest.raises(ValueError, match="there is no model named 'resnet17'"):
        official.load_network("resnet17", narrow)


@pytest.mark.parametrize("kind, bits", [("F16", "<f2"), ("BF16", None), ("F64", "<f8")])
def test_precisions_of_safetensors(kind, bits, tmp_path):
    values = np.array([[1.5, -2.0, 0.25]], np.float32)
    data = values.astype(bits).tobytes() if bits else (
        (values.view(np.uint32) >> 16).astype("<u2").tobytes())  # fmt: skip
    entry = {"dtype": kind, "shape": [1, 3], "data_offsets": [0, len(data)]}
    header = json.dumps({"__metadata__": {"format": "pt"}, "a": entry}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    from official.checkpoints import tensor_files

    np.testing.assert_array_equal(tensor_files.safetensors(str(path))["a"], values)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RunError, match="x.safetensors cannot be read: .*Has it been cut"):
        sources.read(str(path))


def test_wrong_kinds_and_missing_torch(narrow, tmp_path, monkeypatch):
    with pytest.raises(RunError, match="nothing.h5 does not exist"):
        sources.read(str(tmp_path / "nothing.h5"))
    with pytest.raises(RunError, match="--from=keras: .*torchvision or timm .--from=timm."):
        sources.read(str(narrow), "keras")
    (tmp_path / "page.h5").write_text("<html>404</html>")
    with pytest.raises(RunError, match="page.h5 is not what its name says; was a web page saved"):
        sources.read(str(tmp_path / "page.h5"))
    (tmp_path / "page.h5").unlink()
    (tmp_path / "resnet18-f37072fd.safetensors").write_bytes(narrow.read_bytes())
    assert sources.read(str(tmp_path)).prefix.endswith("resnet18-f37072fd.safetensors")
    pickled = tmp_path / "old.pth"
    pickled.write_bytes(b"\x80\x02}q\x00.")
    monkeypatch.setitem(sys.modules, "torch", None)  # As where it is not installed.
    with pytest.raises(RunError, match="old.pth can be read where PyTorch is installed"):
        sources.read(str(pickled))
    with pytest.raises(RunError, match="several files of weights; name one: old.pth, resnet18-f3"):
        sources.read(str(tmp_path))


def test_named_variants():
    assert NAMED_MODELS["resnet101d_timm"].image_size == 256
    assert NAMED_MODELS["resnet50_keras"].config.num_classes == 1000
    assert NAMED_MODELS["resnet152_keras"].config.use_resnet_b is False
    assert NAMED_MODELS["seresnet50_timm"].input_conventions == {
        "channel_means": (123.675, 116.28, 103.53), "crop_share": 0.95, "interpolation": "bicubic",
    }  # fmt: skip
