"""The exported model through its signatures, saved and loaded as a server does."""

import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, fold_batch_norm
from official.export.module import ServingModule
from official.run.export_options import ExportOptions
from preprocessing import PreprocessingConfig, checks


def saved(kind="jpeg", seed=0, size=(40, 60)):
    pixels = np.random.RandomState(seed).randint(0, 255, (*size, 3), np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def network():
    """With logits of a few units, whose probabilities are no zeros and ones."""
    tf.keras.utils.set_random_seed(1)
    built = build_model(ModelConfig(resnet_size=18, num_filters=8, num_classes=3))
    kernel, bias = built.get_layer("dense").get_weights()
    built.get_layer("dense").set_weights([kernel / 50, bias])
    return fold_batch_norm(built)


@pytest.fixture(scope="module")
def served(network, tmp_path_factory):
    """Saves with some options, and loads again: the signatures."""

    def make(decoder="any", **options):
        folder = str(tmp_path_factory.mktemp("served"))
        prepared = PreprocessingConfig(image_size=32, decoder=decoder)
        module = ServingModule(network, prepared, {}, ExportOptions(**options))
        tf.saved_model.save(module, folder, signatures=module.signatures())
        make.folder = folder
        return tf.saved_model.load(folder).signatures

    return make


def images(*shape):
    return tf.random.stateless_uniform(shape, [1, 2], -120, 150)


def test_each_good_image_is_answered_as_alone(served):
    signature = served()["serving_default"]
    good = [saved(seed=1), saved("png", 2), saved("bmp", 3)]
    jpeg = saved(seed=4)
    bad = {
        b"": checks.EMPTY, b"no image": checks.OTHER_FORMAT, saved("gif"): checks.OTHER_FORMAT,
        jpeg[: len(jpeg) // 2]: checks.DAMAGED, jpeg[:20]: checks.DAMAGED,
        saved("png")[:300]: checks.DAMAGED, saved(size=(1, 60_000)): checks.TOO_LARGE,
    }  # fmt: skip
    batch = [good[0], *list(bad)[:4], good[1], *list(bad)[4:], good[2], good[0]]
    answers = signature(image_bytes=tf.constant(batch))
    places = [0, 5, len(batch) - 2, len(batch) - 1]
    status = np.full(len(batch), 0)
    status[[place for place in range(len(batch)) if place not in places]] = list(bad.values())
    np.testing.assert_array_equal(answers["status"], status)
    alone = [signature(image_bytes=tf.constant([image])) for image in (*good, good[0])]
    for name, values in answers.items():
        wanted = np.concatenate([answer[name] for answer in alone])
        np.testing.assert_allclose(values.numpy()[places], wanted, rtol=1e-5, atol=1e-6)
    # Four different pictures, so that a swap would be seen.
    assert len({tuple(row) for row in answers["logits"].numpy()[places].round(4)}) == 3
    refused = status != 0
    assert (answers["classes"].numpy()[refused] == -1).all()
    for name in ("probabilities", "logits", "embedding"):
        assert not answers[name].numpy()[refused].any()
    only_bad = signature(image_bytes=tf.constant([b"", b"x"]))
    assert only_bad["status"].numpy().tolist() == [1, 2]
    with pytest.raises(tf.errors.InvalidArgumentError, match="N at least 1"):
        signature(image_bytes=tf.constant([], tf.string))


def test_any_size_and_its_default(served, network):
    signatures = served(export_image_size="any")
    for shape in ((2, 32, 32, 3), (1, 47, 64, 3), (3, 5, 1, 3)):
        wanted = network(images(*shape))
        found = signatures["images"](images=images(*shape))["logits"]
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[N, H, W, 3\]"):
        signatures["images"](images=tf.zeros([1, 0, 32, 3]))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[N, 32, 32, 3\]"):
        served()["images"](images=images(1, 64, 64, 3))


def test_a_fixed_batch_takes_no_other(served):
    signatures = served(export_batch_size=2)
    take = signatures["serving_default"].structured_input_signature[1]["image_bytes"]
    assert take.shape.as_list() == [2]
    assert signatures["images"](images=images(2, 32, 32, 3))["classes"].shape == [2]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"2, 32, 32, 3\]|2,32,32,3\]"):
        signatures["images"](images=images(3, 32, 32, 3))
    answers = signatures["serving_default"](image_bytes=tf.constant([saved(), b""]))
    assert answers["status"].numpy().tolist() == [0, 1]
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError, TypeError)):
        signatures["serving_default"](image_bytes=tf.constant([saved()] * 3))


def test_embeddings_alone(served, network):
    signatures = served(export_embedding_only=True)
    answers = signatures["serving_default"](image_bytes=tf.constant([saved(), b"x"]))
    assert set(answers) == {"embedding", "status"} and answers["embedding"].shape == [2, 64]
    assert answers["embedding"].numpy()[0].any() and not answers["embedding"].numpy()[1].any()
    wanted = tf.keras.Model(network.inputs, network.get_layer("embedding").output)
    found = signatures["images"](images=images(2, 32, 32, 3))
    assert set(found) == {"embedding"}
    np.testing.assert_allclose(found["embedding"], wanted(images(2, 32, 32, 3)), rtol=1e-5)


def test_stored_in_half_the_bytes_and_computed_in_all(served, network, tmp_path):
    """Logits are those of float32 arithmetic with rounded weights, to the precision of float32."""
    weights = network.get_weights()
    batch = images(2, 32, 32, 3)
    for name, kind in (("fp16", tf.float16), ("bf16", tf.bfloat16)):
        found = served(export_weights=name)["images"](images=batch)["logits"]
        rounded = [tf.cast(tf.cast(w, kind), tf.float32).numpy() for w in weights]
        network.set_weights(rounded)
        wanted = network(batch).numpy()
        network.set_weights(weights)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        assert np.abs(wanted - network(batch).numpy()).max() > 1e-5
        stored = tf.train.load_checkpoint(f"{served.folder}/variables/variables")
        shapes = stored.get_variable_to_shape_map()
        kept = [stored.get_tensor(key) for key in shapes if key.startswith("weights/")]
        assert len(kept) == len(weights) and {value.dtype.itemsize for value in kept} == {2}
    # The network itself is as before.
    assert all(variable.dtype == tf.float32 for variable in network.variables)


def test_a_temperature_moves_probabilities_only(served):
    batch = images(2, 32, 32, 3)
    plain = served()["images"](images=batch)
    cool = served(export_temperature="2.5")["images"](images=batch)
    np.testing.assert_allclose(cool["logits"], plain["logits"], rtol=1e-6)
    wanted = tf.nn.softmax(plain["logits"] / 2.5)
    np.testing.assert_allclose(cool["probabilities"], wanted, rtol=1e-5)
    assert np.abs(cool["probabilities"] - plain["probabilities"]).max() > 0.01
