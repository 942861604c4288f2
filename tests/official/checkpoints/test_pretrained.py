"""Fine-tuning: what a new network takes over, and what of it starts anew."""

import json

import numpy as np
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, original_variable_names
from official.checkpoints import from_run, importing, original_checkpoint, pretrained
from official.command import configs
from official.run import configuration
from official.run.checkpoints import restore_network
from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.network import network_for_inference
from official.run.recipe import RecipeConfig
from official.train import __main__ as train_command
from official.train import loop, step
from official.train.optimizer import make_optimizer
from preprocessing import PreprocessingConfig

FIELDS = {"resnet_size": 18, "num_filters": 8}
SOURCE = ModelConfig(**FIELDS, num_classes=11)
HEAD = {"resnet_model/dense/kernel", "resnet_model/dense/bias"}
SHORT = [
    "--resnet_size=18", "--num_filters=8", "--image_size=32", "--batch_size=8",
    "--train_epochs=2", "--learning_rate_decay_type=fixed",
]  # fmt: skip


@pytest.fixture(scope="module")
def original(small_values, write_tf1, tmp_path_factory):
    """A checkpoint of the original with 11 classes: prefix and values."""
    values = small_values(SOURCE)
    folder = tmp_path_factory.mktemp("pretrained")
    return write_tf1(folder / "model.ckpt-600", values), values


@pytest.fixture(scope="module")
def imported(original, tmp_path_factory):
    """The same network as a MODEL_DIR."""
    folder = str(tmp_path_factory.mktemp("imported") / "model")
    config = RunConfig(
        SOURCE, PreprocessingConfig(image_size=32), RecipeConfig(), DataConfig("", num_classes=11)
    )
    importing.import_checkpoint(original_checkpoint.read(original[0]), config, folder)
    return folder


@pytest.fixture(scope="module")
def network():
    """A network of 4 classes with the initial values that `fresh` gives back."""
    return build_model(ModelConfig(**FIELDS, num_classes=4))


@pytest.fixture
def fresh(network):
    variables = original_variable_names(network)
    for name, variable in variables.items():
        variable.assign(np.full(variable.shape, 7.0 if "moving" in name else 3.0))
    return variables


def restored(network, path, **options):
    config = ModelConfig(**FIELDS, num_classes=int(network.output_shape[-1]))
    return pretrained.restore(network, config, pretrained.load(str(path)), **options)


@pytest.mark.parametrize("kind", ["original", "imported"])
def test_all_but_the_head_is_taken_over_exactly(kind, network, fresh, original, imported):
    result = restored(network, original[0] if kind == "original" else imported)
    assert set(result.fresh) == HEAD and len(result.restored) == len(fresh) - 2
    for name, variable in fresh.items():
        wanted = 3.0 if name in HEAD else original[1][name]
        np.testing.assert_array_equal(variable.numpy(), np.broadcast_to(wanted, variable.shape))
    line = result.describe()
    assert "64 features to 11 in the checkpoint, 64 features to 4 here" in line
    assert "\n" not in line


def test_the_old_way_takes_trainable_variables_only(network, fresh, original):
    result = restored(network, original[0], trainable_only=True)
    moving = {name for name in fresh if "moving_" in name}
    assert set(result.fresh) == HEAD | moving and len(moving) == 40
    for name, variable in fresh.items():
        wanted = 7.0 if name in moving else 3.0 if name in HEAD else original[1][name]
        np.testing.assert_array_equal(variable.numpy(), np.broadcast_to(wanted, variable.shape))
    assert "40 batch-norm statistics" in result.describe()


def test_a_classifier_of_as_many_classes(
    original, small_values, write_tf1, network, fresh, tmp_path
):
    values = small_values(ModelConfig(**FIELDS, num_classes=4))
    prefix = write_tf1(tmp_path / "model.ckpt-1", values)
    assert restored(network, prefix, restore_classifier=False).fresh == sorted(HEAD, reverse=True)
    np.testing.assert_array_equal(fresh["resnet_model/dense/bias"].numpy(), [3.0] * 4)
    result = restored(network, prefix)
    assert result.fresh == [] and result.why == []
    for name in HEAD:
        np.testing.assert_array_equal(fresh[name].numpy(), values[name])
    # The original left the classifier out whatever its size.
    assert HEAD <= set(restored(network, prefix, trainable_only=True).fresh)


def test_the_classifier_goes_by_the_names_of_its_classes(
    small_values, write_tf1, network, fresh, tmp_path, capsys
):
    values = small_values(ModelConfig(**FIELDS, num_classes=4))
    source = pretrained.load(write_tf1(tmp_path / "model.ckpt-1", values))
    source = source._replace(class_names=("blue", "green", "red", "white"))
    config = ModelConfig(**FIELDS, num_classes=4)

    def restore(*names):
        return pretrained.restore(network, config, source, class_names=names)

    assert restore("white", "blue", "red", "green").fresh == []
    assert "order of the classes here" in capsys.readouterr().err
    for name in HEAD:
        np.testing.assert_array_equal(fresh[name].numpy(), values[name][..., [3, 0, 2, 1]])
    other = restore("white", "blue", "red", "teal")
    assert set(other.fresh) == HEAD
    assert "of other classes (only in the run: 'green'; only in the data: 'teal')" in other.why[0]
    # Where one of both has no names, numbers are all there is.
    assert restore().fresh == []
    np.testing.assert_array_equal(
        fresh["resnet_model/dense/bias"].numpy(), values["resnet_model/dense/bias"]
    )


def test_the_network_comes_from_the_run_that_it_starts_from(imported):
    """Flags that say otherwise are listed, those that the weights allow are taken."""
    source = configuration.load(imported)
    config = RunConfig(
        ModelConfig(num_classes=4, use_dropblock=True), PreprocessingConfig(image_size=48),
        RecipeConfig(), DataConfig("", num_classes=4),
    )  # fmt: skip

    def start(**given):
        return from_run.start_from(config, source, imported, given, {})

    started, remarks = start(pool_type="gem")
    assert started.model == ModelConfig(
        **FIELDS, num_classes=4, use_dropblock=True, pool_type="gem"
    )
    assert remarks == [
        f"network of {imported}: --resnet_version=1 --resnet_size=18 --num_filters=8 "
        "--pool_type=gem",
        f"note: images have 48 pixels, those of {imported} had 32 (--image_size=32)",
    ]
    with pytest.raises(RunError) as caught:
        start(resnet_size=50, use_sk_block=True)
    assert str(caught.value).splitlines()[1:] == [
        "  --resnet_size=18 there, not --resnet_size=50",
        "  --nouse_sk_block there, not --use_sk_block",
        f"Leave these flags out: the network is taken from {imported}/config.json.",
    ]
    assert from_run.model_dir_of(f"{imported}/model.ckpt-600.index") == imported


def test_a_new_embedding_layer_and_another_depth(original, small_values, write_tf1, tmp_path):
    config = ModelConfig(**FIELDS, num_classes=11, embedding_size=5)
    embedded = build_model(config)
    result = pretrained.restore(embedded, config, pretrained.load(original[0]))
    added = {name for name in original_variable_names(embedded) if "/embedding_dense" in name}
    assert set(result.fresh) == HEAD | added and len(added) == 5
    assert "the embedding layer, which the checkpoint has not" in result.describe()

    deeper = ModelConfig(**{**FIELDS, "resnet_size": 34}, num_classes=4)
    prefix = write_tf1(tmp_path / "model.ckpt", small_values(deeper))
    with pytest.raises(RunError) as caught:
        pretrained.restore(embedded, config, pretrained.load(prefix))
    assert "--resnet_size=34, not --resnet_size=18 (wrong depth)" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 20
    assert "dense" not in str(caught.value).replace("seblock_dense", "").split("likely")[0]


def test_a_step_of_mixed_precision_behind_the_import(imported, original):
    """The weights stay float32; the statistics go on from the restored ones, or from 0 and 1."""
    config = ModelConfig(**FIELDS, num_classes=4)
    images = tf.random.stateless_normal([8, 64, 64, 3], [1, 1])
    batch = (images, {"labels": tf.one_hot([0, 1, 2, 3] * 2, 4)})
    moved = "resnet_model/batch_normalization/moving_variance"
    after = []
    for path, trainable_only in ((imported, False), (original[0], True)):
        tf.keras.mixed_precision.set_global_policy("mixed_float16")
        try:
            source = pretrained.load(path)
            network = build_model(config)
        finally:
            tf.keras.mixed_precision.set_global_policy("float32")
        result = pretrained.restore(network, config, source, trainable_only=trainable_only)
        variables = original_variable_names(network)
        for name in result.restored:
            assert variables[name].dtype == tf.float32
            np.testing.assert_array_equal(variables[name].numpy(), original[1][name])
        recipe = RecipeConfig(batch_size=8, dtype="fp16", learning_rate_decay_type="fixed")
        model = step.Trainer(network, recipe, total_steps=1)
        optimizer = make_optimizer(recipe, num_images=8)
        optimizer.build(network.trainable_variables)
        model.compile(optimizer=optimizer, run_eagerly=True)
        found = model.train_step(batch)
        assert np.isfinite(float(found["loss"]))
        assert network.get_layer("stage4").output.dtype == tf.float16
        started = np.ones(8) if trainable_only else original[1][moved]
        after.append((variables[moved].numpy() - 0.997 * started) / 0.003)
        kernel = "resnet_model/conv2d_3/kernel"
        assert 0 < np.abs(variables[kernel].numpy() - original[1][kernel]).max() < 1
    # Both saw the same images through the same first kernel; 0.003 of float32 is left.
    assert np.all(after[0] > 0)
    np.testing.assert_allclose(after[0], after[1], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("path", ["nothing/model.ckpt-1", ""])
def test_a_path_without_weights(path, tmp_path):
    with pytest.raises(RunError, match="--pretrained_model_checkpoint_path=.*no checkpoint|exist"):
        pretrained.load(str(tmp_path / path))


@pytest.fixture(scope="module")
def fine_tuned(original, records, tmp_path_factory):
    """Arguments and folder of a fine-tuning that no test has begun yet."""
    folder = tmp_path_factory.mktemp("run") / "model"
    return [f"--data_dir={records}", f"--model_dir={folder}", *SHORT], folder


def test_fine_tuning_by_the_command(fine_tuned, original, call_command, capsys):
    """Without a rate nothing moves but the statistics, so the weights are still the original's."""
    arguments, folder = fine_tuned
    call_command(
        train_command, *arguments, f"--pmcp={original[0]}", "--base_learning_rate=0",
        "--weight_decay=0", "--bn_momentum=0.99", "--keep_ckpt_every_eval",
        "--num_best_ckpt_to_keep=1",
    )  # fmt: skip
    err = capsys.readouterr().err
    total = len(original[1])
    assert f"starting from {original[0]}: {total - 2} of {total} variables restored; not" in err
    network = network_for_inference(configuration.load(str(folder)).model)
    restore_network(network, str(folder))
    values = original[1]
    for name, variable in original_variable_names(network).items():
        if name not in HEAD and "moving_" not in name:
            np.testing.assert_array_equal(variable.numpy(), values[name], err_msg=name)
    # Ten steps at 0.99 leave 90 % of the statistics where they were.
    moved = original_variable_names(network)["resnet_model/batch_normalization_5/moving_variance"]
    before = values["resnet_model/batch_normalization_5/moving_variance"]
    assert not np.array_equal(moved.numpy(), before)
    assert np.all(moved.numpy() > 0.9 * before)
    record = json.loads((folder / "pretrained.json").read_text())
    assert record["source"] == original[0] and set(record["fresh"]) == HEAD
    assert sorted(p.name for p in (folder / "periodical").glob("*.index")) == [
        "model.ckpt-10.index", "model.ckpt-5.index",
    ]  # fmt: skip
    # Nothing but statistics changed; whichever is better, one is kept and it can be evaluated.
    best = json.loads((folder / "best/best_checkpoints").read_text())
    assert len(best) == 1 and (folder / f"best/{next(iter(best))}.index").exists()


def test_a_run_of_its_own_comes_first(fine_tuned, call_command, capsys):
    """And a checkpoint put aside is a source of weights like any other."""
    arguments, folder = fine_tuned
    path = "--pmcp=/nowhere/model.ckpt"
    source = call_command(
        train_command,
        *arguments,
        path,
        function=lambda: loop.open_pretrained(configs.run_options()),
    )
    assert source is None
    assert "model_checkpoint_path=/nowhere/model.ckpt is not read" in capsys.readouterr().err
    with pytest.raises(RunError, match="/nowhere does not exist"):
        call_command(
            train_command, *arguments, path, "--clean",
            function=lambda: loop.open_pretrained(configs.run_options()),
        )  # fmt: skip
    assert tf.train.latest_checkpoint(str(folder)).endswith("model.ckpt-10")
    source = pretrained.load(f"{folder}/periodical/model.ckpt-5")
    assert source.shapes["resnet_model/dense/kernel"] == (64, 4)


def test_evaluation_only(fine_tuned, call_command, capsys):
    arguments, folder = fine_tuned
    call_command(train_command, *arguments, "--eval_only", "--bn_momentum=0.99")
    scores = json.loads((folder / "evaluation.json").read_text())
    assert (scores["step"], scores["images"]) == (10, 20)
    assert "model.ckpt-10 on 20 images" in capsys.readouterr().out
    with pytest.raises(RunError, match="num_filters: 8, not 4"):
        call_command(train_command, *arguments, "--num_filters=4", "--eval_only")


def test_modes_that_cannot_be(original, imported, records, call_command, tmp_path):
    new = f"--model_dir={tmp_path}/new"
    data = f"--data_dir={records}"
    folder = str(original[0]).rsplit("/", 1)[0]
    for arguments, message in (
        ([new, "--eval_only"], "config.json does not exist"),
        ([f"--model_dir={folder}", "--eval_only"], "official.import_checkpoint"),
        ([new, "--export_only"], "--export_only needs --export_dir"),
        ([new, data, "--norestore_classifier"], "needs --pretrained_model_checkpoint_path"),
        ([new], "--data_dir must be given"),
        ([f"--model_dir={imported}", data, *SHORT], f"checkpoint_path={imported}"),
    ):
        with pytest.raises(RunError, match=message):
            call_command(train_command, *arguments)
    assert not (tmp_path / "new").exists()
    assert tf.train.latest_checkpoint(imported).endswith("model.ckpt-600")
