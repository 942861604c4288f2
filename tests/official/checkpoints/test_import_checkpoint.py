"""The importer: what is told apart, mapped, refused, and what can be done with the result."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, named_config, original_variable_names, variable_shapes
from official import import_checkpoint as import_command
from official.checkpoints import importing, mapping, original_checkpoint
from official.command import configs
from official.evaluate import evaluation
from official.export import exporter
from official.run import configuration
from official.run.checkpoints import restore_network
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.network import network_for_inference
from official.run.recipe import RecipeConfig
from preprocessing import PreprocessingConfig

SMALL = ModelConfig(
    resnet_size=18, num_filters=16, num_classes=5, use_resnet_d=True, use_se_block=True, se_ratio=8
)
# The fewest variables: for what takes long.
TINY = ModelConfig(resnet_size=18, num_filters=8, num_classes=5, no_shortcut=True)


def run_config(model, data_dir="", **data):
    return RunConfig(
        model,
        PreprocessingConfig(image_size=32),
        RecipeConfig(),
        DataConfig(str(data_dir), num_classes=model.num_classes, **data),
    )


def values_in(model_dir):
    """Every variable of a MODEL_DIR, by the original's names, and the network."""
    network = network_for_inference(configuration.load(str(model_dir)).model)
    restore_network(network, str(model_dir))
    return {n: v.numpy() for n, v in original_variable_names(network).items()}, network


@pytest.fixture(scope="module")
def small(small_values, write_tf1, tmp_path_factory):
    """A small network's checkpoint: prefix and values."""
    values = small_values(SMALL)
    return write_tf1(tmp_path_factory.mktemp("tf1") / "model.ckpt-70", values), values


@pytest.fixture(scope="module")
def tiny(small_values, write_tf1, tmp_path_factory):
    """Another one."""
    values = small_values(TINY)
    return write_tf1(tmp_path_factory.mktemp("tf1") / "model.ckpt-70", values), values


@pytest.fixture(scope="module")
def trained_by_tf1(tiny, tmp_path_factory):
    """A network as TensorFlow 1 leaves it after a step, slots and averages beside it."""
    _, values = tiny
    v1 = tf.compat.v1
    folder = tmp_path_factory.mktemp("saver")
    with tf.Graph().as_default(), v1.Session() as session:
        step = v1.train.get_or_create_global_step()
        model, weights = [], []
        for name, value in values.items():
            trained = "moving_" not in name
            variable = v1.get_variable(
                name, initializer=value, trainable=trained, use_resource=False
            )
            model.append(variable)
            weights += [variable] if trained else []
        loss = v1.add_n([v1.reduce_sum(weight) for weight in weights])
        update = v1.train.MomentumOptimizer(0.5, 0.9).minimize(loss, step)
        with tf.control_dependencies([update]):
            average = v1.train.ExponentialMovingAverage(0.75).apply(weights)
        known = {variable.name for variable in model}
        # An average starts as the value of its variable, which must be there before.
        session.run(v1.variables_initializer(model))
        session.run(
            v1.variables_initializer([v for v in v1.global_variables() if v.name not in known])
        )
        session.run(average)
        prefix = v1.train.Saver().save(session, str(folder / "model.ckpt"), step)
    (folder / "model.ckpt-1.meta").unlink()
    return prefix


def test_a_file_of_weights_alone(small, write_tf1, tmp_path):
    """No step, neither as a variable nor in the name, and nothing to ignore."""
    prefix = write_tf1(tmp_path / "tf1/model.ckpt", small[1])
    checkpoint = original_checkpoint.read(prefix)
    folder = str(tmp_path / "model")
    record = importing.import_checkpoint(checkpoint, run_config(SMALL), folder)
    assert (record["step"], record["ignored"], record["moving_averages"]) == (0, {}, [])
    assert record["mapped"] == {name: list(value.shape) for name, value in small[1].items()}
    found, _ = values_in(folder)
    assert found.keys() == small[1].keys()
    for name, value in small[1].items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_slots_step_and_averages_are_told_from_weights(trained_by_tf1, tiny):
    _, values = tiny
    trained = [name for name in values if "moving_" not in name]
    raw = original_checkpoint.read(trained_by_tf1)
    assert raw.shapes == {name: value.shape for name, value in values.items()}
    assert raw.step == 1 and raw.averaged == set(trained)
    assert set(raw.ignored) == {"global_step"} | {
        f"{name}/{kind}" for name in trained for kind in ("Momentum", "ExponentialMovingAverage")
    }
    averaged = original_checkpoint.read(trained_by_tf1, use_moving_averages=True)
    assert "moving average is taken" in averaged.ignored[trained[0]]
    names = [trained[0], "resnet_model/batch_normalization/moving_mean"]
    # The gradient is 1, so a step takes away the rate; the average moves by a quarter of it.
    start = [values[name] for name in names]
    np.testing.assert_allclose(raw.values(names)[names[0]], start[0] - 0.5, atol=1e-6)
    np.testing.assert_allclose(averaged.values(names)[names[0]], start[0] - 0.125, atol=1e-6)
    np.testing.assert_array_equal(averaged.values(names)[names[1]], start[1])


def test_import_of_the_averages(trained_by_tf1, call_command, tmp_path, capsys):
    call_command(
        import_command, f"--checkpoint={trained_by_tf1}", f"--model_dir={tmp_path}/model",
        "--infer", "--use_moving_averages", "--table", "--preprocessing_type=imagenet_160",
    )  # fmt: skip
    out = capsys.readouterr().out
    averaged = original_checkpoint.read(trained_by_tf1, use_moving_averages=True)
    wanted = averaged.values(list(averaged.shapes))
    found, _ = values_in(tmp_path / "model")
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
    trained = len(averaged.averaged)
    assert f"mapped {len(wanted)} variables" in out and f"{trained} of them from their" in out
    assert f"ignored {trained}: optimiser slot Momentum" in out
    assert "(3, 3, 8, 16)         conv2d_5.kernel" in out  # The table.
    config = configuration.load(str(tmp_path / "model"))
    assert config.model == TINY and config.preprocessing.eval_size == 160


@pytest.mark.parametrize(
    "changes, lists, cause",
    [
        ({"num_classes": 6}, "0 variables are missing, 0 are left over, 2 have", "--num_classes=5"),
        ({"resnet_size": 34}, "0 are left over", "--resnet_size=18, not --resnet_size=34 (wrong d"),
        ({"use_se_block": False}, "0 variables are missing, 16 are left over", "--use_se_block"),
        ({"se_ratio": 4}, "16 have another shape", "--se_ratio=8, not --se_ratio=4"),
        ({"use_resnet_d": False}, "left over", "--use_resnet_d, not --nouse_resnet_d: the stem"),
        ({"num_filters": 32}, "have another shape", "--num_filters=16, not --num_filters=32"),
        ({"use_sk_block": True}, "missing in the checkpoint", "--nouse_sk_block, not --use_sk_"),
        ({"embedding_size": 7}, "embedding_dense/kernel  (1, 1, 128, 7)", "--embedding_size=0"),
    ],
)
def test_a_checkpoint_that_does_not_fit(small, changes, lists, cause, tmp_path):
    checkpoint = original_checkpoint.read(small[0])
    model = ModelConfig.from_dict({**SMALL.to_dict(), **changes})
    with pytest.raises(RunError) as caught:
        importing.import_checkpoint(checkpoint, run_config(model), str(tmp_path / "model"))
    assert lists in str(caught.value)
    likely = str(caught.value).split("likely cause:")[1]
    assert cause in likely
    assert list(tmp_path.iterdir()) == []


def test_every_difference_is_listed(small_values, write_tf1, tmp_path):
    """ImageNet's 1000 classes against 1001, and a renamed variable: two shapes, two names."""
    values = small_values(ModelConfig(resnet_size=18, num_filters=8))
    gone = "resnet_model/batch_normalization_3/gamma"
    values["resnet_model/batch_normalization_3/scale"] = values.pop(gone)
    checkpoint = original_checkpoint.read(write_tf1(tmp_path / "model.ckpt", values))
    model = ModelConfig(resnet_size=18, num_filters=8, num_classes=1000)
    with pytest.raises(RunError) as caught:
        importing.import_checkpoint(checkpoint, run_config(model), str(tmp_path / "model"))
    lines = str(caught.value).splitlines()
    assert "1 variables are missing, 1 are left over, 2 have another shape" in lines[0]
    assert f"  {gone}  (8,)" in lines
    assert "  resnet_model/batch_normalization_3/scale  (8,)" in lines
    assert any("(64, 1001) in the checkpoint, (64, 1000) in the network" in line for line in lines)
    assert any("(1001,) in the checkpoint, (1000,) in the network" in line for line in lines)
    assert any("--num_classes=1001" in line and "background class at 0" in line for line in lines)


def test_the_deep_stem_with_big_little_is_named():
    with_stem, without = (
        ModelConfig(big_little=True, use_sk_block=True, use_resnet_d=deep) for deep in (True, False)
    )
    lines = mapping.likely_causes(variable_shapes(without), with_stem)
    assert lines[0].startswith("--nouse_resnet_d, not --use_resnet_d: stage0 has a 7x7")
    assert lines[0].endswith("BigLittle networks were trained without --use_resnet_d")
    assert lines[1] == (
        "flags that fit: --resnet_version=2 --resnet_size=50 --use_sk_block --num_classes=1001"
    )
    lines = mapping.likely_causes(variable_shapes(with_stem), without)
    assert lines[0] == ("--use_resnet_d, not --nouse_resnet_d: stage0 has three 3x3 convolutions")
    assert mapping.compare(variable_shapes(without), variable_shapes(without)) == (
        mapping.Mismatch({}, {}, {})
    )


def test_prefixes_that_people_type(small, trained_by_tf1, write_tf1, tmp_path):
    prefix, values = small
    folder = pathlib.Path(prefix).parent
    for path in (prefix, f"{prefix}.index", f"{prefix}.data-00000-of-00001", folder):
        assert original_checkpoint.resolve_prefix(str(path)) == prefix
    # Of a copied folder whose state file names another machine's paths, the highest step counts.
    for step in (9, 10):
        write_tf1(tmp_path / f"model.ckpt-{step}", {"resnet_model/dense/bias": values[
            "resnet_model/dense/bias"]})  # fmt: skip
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "hdfs://elsewhere/model.ckpt-9"\n')
    assert original_checkpoint.resolve_prefix(str(tmp_path)).endswith("model.ckpt-10")
    assert original_checkpoint.resolve_prefix(f"{tmp_path}/checkpoint").endswith("model.ckpt-10")
    with pytest.raises(RunError, match="there is no checkpoint .*ckpt-11.*model.ckpt-9, model"):
        original_checkpoint.resolve_prefix(f"{tmp_path}/model.ckpt-11")
    (tmp_path / "model.ckpt-10.data-00000-of-00001").unlink()
    with pytest.raises(RunError, match="data files .*copy or download it again"):
        original_checkpoint.read(f"{tmp_path}/model.ckpt-10")
    with pytest.raises(RunError, match="holds no moving averages"):
        original_checkpoint.read(prefix, use_moving_averages=True)


def test_files_that_are_no_checkpoint_of_the_original(write_tf1, small, tmp_path):
    tf.train.Checkpoint(weight=tf.Variable(1.0)).write(str(tmp_path / "two"))
    with pytest.raises(RunError, match="checkpoint of TensorFlow 2"):
        original_checkpoint.read(str(tmp_path / "two"))
    write_tf1(tmp_path / "other", {"vgg/conv/kernel": np.zeros([1], np.float32)})
    with pytest.raises(RunError, match="no variable under resnet_model/.*under: vgg"):
        original_checkpoint.read(str(tmp_path / "other"))
    averages = {f"{name}/ExponentialMovingAverage": value for name, value in small[1].items()}
    prefix = write_tf1(tmp_path / "averages", averages)
    with pytest.raises(RunError, match="moving averages only; take them: --use_moving_averages"):
        original_checkpoint.read(prefix)
    assert original_checkpoint.read(prefix, use_moving_averages=True).shapes.keys() == (
        small[1].keys()
    )
    (tmp_path / "text.pb").write_text("no checkpoint")
    with pytest.raises(RunError, match="text.pb cannot be read as a checkpoint"):
        original_checkpoint.read(str(tmp_path / "text.pb"))
    values = {**small[1], "resnet_model/dense/bias": np.full([5], np.nan, np.float32)}
    bad = original_checkpoint.read(write_tf1(tmp_path / "diverged", values))
    with pytest.raises(RunError, match="no finite numbers in 1 variables: resnet_model/dense/bias"):
        bad.values(list(values))


def test_a_folder_in_use_is_left_alone(small, call_command, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "thesis.txt").write_text("years of work")
    arguments = [f"--checkpoint={small[0]}", f"--model_dir={model}", "--infer"]
    for more in ([], ["--clean"]):
        with pytest.raises(RunError, match=r"not empty \(thesis.txt\); nothing is overwritten"):
            call_command(import_command, *arguments, *more)
    assert [path.name for path in tmp_path.rglob("*")] == ["model", "thesis.txt"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "--num_classes, --dataset_name or --infer must be given. The checkpoint has 5"),
        (["--model=resnet51", "--num_classes=5"], "resnet51"),
        (["--infer", "--num_classes=7"], "--num_classes=5, not --num_classes=7"),
        (["--dataset_name=food101", "--num_classes=7"], "7.*101"),
        (["--num_classes=5", "--resnet_version=2", "--resnet_size=18"], "resnet_size=18"),
    ],
)
def test_flags_that_cannot_be(arguments, message, small, call_command, tmp_path):
    with pytest.raises(RunError, match=message):
        call_command(
            import_command, f"--checkpoint={small[0]}", f"--model_dir={tmp_path}/m", *arguments
        )


def test_a_named_network_and_changes_to_it(call_command):
    config = call_command(
        import_command, "--model=assemble_resnet152", "--use_dropblock", "--bn_momentum=0.9",
        "--cls_loss_type=sigmoid", "--se_ratio=8",
        function=lambda: configs.model_config(11),
    )  # fmt: skip
    wanted = {"use_dropblock": True, "bn_momentum": 0.9, "se_ratio": 8, "num_classes": 11}
    bias = -np.log(10.0)
    assert config == named_config("assemble_resnet152", **wanted, final_bias=config.final_bias)
    assert config.final_bias == pytest.approx(bias)
    assert (config.resnet_size, config.bl_alpha, config.anti_alias_type) == (152, 1, "sconv")


def test_an_imported_run_is_evaluated_and_exported(tiny, records, photos, tmp_path):
    """Five classes with a background at 0; the records count their four from 0."""
    model_dir = str(tmp_path / "model")
    config = run_config(TINY, records, label_offset=1, val_batch_size=8)
    importing.import_checkpoint(original_checkpoint.read(tiny[0]), config, model_dir)
    scores = evaluation.evaluate(model_dir)
    evaluation.record(model_dir, scores)
    assert (scores["step"], scores["images"]) == (70, 20)
    folder = exporter.export(model_dir, str(tmp_path / "export"))
    names = pathlib.Path(folder, "assets/labels.txt").read_text().split()
    assert names == ["background", "blue", "green", "red", "white"]
    # Counted again by hand from the photos: a class is its place in the alphabet plus one.
    serve = tf.saved_model.load(folder).signatures["serving_default"]
    right = 0
    for label, name in enumerate(names[1:], start=1):
        encoded = [p.read_bytes() for p in sorted((photos / "validation" / name).iterdir())]
        right += int(np.sum(serve(image_bytes=tf.constant(encoded))["classes"].numpy() == label))
    assert right == scores["correct_top1"]


def test_without_data_the_evaluation_says_what_it_needs(tiny, tmp_path):
    model_dir = str(tmp_path / "model")
    importing.import_checkpoint(original_checkpoint.read(tiny[0]), run_config(TINY), model_dir)
    with pytest.raises(RunError, match="--data_dir must be given"):
        evaluation.evaluate(model_dir)
