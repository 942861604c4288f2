"""DropBlock of a network that is trained by Keras alone: what is dropped, what is counted."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import nets

IMAGES = tf.random.stateless_normal([2, 64, 64, 3], [1, 1])
# One number for each cell of stage 4: their sum over the dropped cells tells masks apart.
CELLS = tf.random.stateless_uniform([2, 2, 128], [2, 2])


def share(_, outputs):
    return tf.reduce_mean(tf.cast(outputs == 0, tf.float32))


def fingerprint(_, outputs):
    return tf.reduce_sum(tf.cast(outputs[0] == 0, tf.float32) * CELLS)


def dropping(run_eagerly=False, **fields):
    """A compiled network up to its last DropBlock, whose zeros are what that dropped."""
    network = nets.resnet18(classes=3, num_filters=16, use_dropblock=True, **fields)
    last = max(
        (layer for layer in network.layers if isinstance(layer, nets.DropBlock)),
        key=lambda layer: layer.index,
    )
    norms = [x for x in network.layers if isinstance(x, tf.keras.layers.BatchNormalization)]
    # Its gamma starts at 0, so what the last DropBlock gets is 1 everywhere.
    norms[-1].beta.assign(tf.ones([128]))
    model = tf.keras.Model(network.input, tf.cast(last.output, tf.float32))
    still = tf.keras.optimizers.SGD(0.0)
    model.compile(still, "mse", metrics=[share, fingerprint], run_eagerly=run_eagerly)
    return model, network.get_layer("drop_block_control")


def fit(model, epochs):
    """Trains with one batch an epoch, so that each step has a line of its own in the history."""
    labels = tf.zeros([2, 2, 2, 128])
    history = model.fit(IMAGES, labels, batch_size=2, epochs=epochs, verbose=0).history
    return history["share"], history["fingerprint"]


@pytest.fixture(scope="module")
def first_masks():
    model, _ = dropping()
    return fit(model, 4)[1]


@pytest.mark.parametrize("keep", [0.9, 0.7])
def test_a_plain_fit_drops_the_configured_share(keep):
    fields = {} if keep == 0.9 else {"dropblock_keep_prob": keep}
    model, control = dropping(**fields)
    shares, prints = fit(model, 24)
    # On a map of 2 x 2 each of 128 channels falls as a whole: 5 deviations of the mean of 24 draws.
    spread = np.sqrt(keep * (1 - keep) / 128 / 24)
    assert np.mean(shares) == pytest.approx(1 - keep, abs=5 * spread)
    assert len(set(prints)) == 24 and int(control.step) == 24
    assert float(control.keep_prob) == pytest.approx(keep)


def test_evaluation_and_prediction_neither_drop_nor_count():
    model, control = dropping()
    fit(model, 2)
    scores = model.evaluate(IMAGES, tf.zeros([2, 2, 2, 128]), verbose=0, return_dict=True)
    assert scores["share"] == 0 and int(control.step) == 2
    assert (model.predict(IMAGES, verbose=0) != 0).all() and (model(IMAGES).numpy() != 0).all()
    assert int(control.step) == 2


@pytest.mark.parametrize("how", ["same", "eager", "mixed_float16", "mixed_bfloat16", "two fits"])
def test_the_same_start_gives_the_same_masks(first_masks, how):
    options = {"run_eagerly": True} if how == "eager" else {}
    if how.startswith("mixed"):
        options["dtype"] = how
    model, control = dropping(**options)
    if how == "two fits":
        assert fit(model, 1)[1] + fit(model, 3)[1] == first_masks
    else:
        assert fit(model, 4)[1] == first_masks
    # The trainer of the recipe goes on wherever it wants.
    control.step.assign(1)
    assert fit(model, 2)[1] == first_masks[1:3]


def test_another_seed_gives_other_masks(first_masks):
    assert not set(fit(dropping(seed=1)[0], 4)[1]) & set(first_masks)


def test_training_may_be_a_tensor(first_masks):
    model, control = dropping()
    run = tf.function(lambda flag: model(IMAGES, training=flag))
    seen = []
    for flag in (True, False, True, True):
        seen.append(float(fingerprint(None, run(tf.constant(flag)))))
    assert seen == [first_masks[0], 0, *first_masks[1:3]] and int(control.step) == 3


TWO_REPLICAS = """
import sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import nets
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    network = nets.resnet18(classes=3, num_filters=16, use_dropblock=True, dtype=sys.argv[1])
    norms = [x for x in network.layers if isinstance(x, tf.keras.layers.BatchNormalization)]
    norms[-1].beta.assign(tf.ones([128]))
    control = network.get_layer("drop_block_control")
    last = [layer for layer in network.layers if isinstance(layer, nets.DropBlock)][-1]
    taps = tf.keras.Model(network.input, last.output)
    network.compile(tf.keras.optimizers.SGD(0.0), "mse")
data = tf.data.Dataset.from_tensors((tf.ones([4, 64, 64, 3]), tf.zeros([4, 3]))).repeat(3)
network.fit(data, verbose=0)
print([int(value) for value in strategy.experimental_local_results(control.step)])
run = tf.function(lambda x: strategy.run(lambda y: taps(y, training=True), [x]))
for step in (0, 1):
    one, other = strategy.experimental_local_results(run(tf.ones([2, 64, 64, 3])))
    print(int(tf.reduce_sum(tf.cast(one == 0, tf.int32))), bool(tf.reduce_all(one == other)))
print([int(value) for value in strategy.experimental_local_results(control.step)])
network.evaluate(data, verbose=0)
print([int(value) for value in strategy.experimental_local_results(control.step)])
"""


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_two_replicas_share_the_step_and_draw_masks_of_their_own(dtype):
    done = subprocess.run(
        [sys.executable, "-c", TWO_REPLICAS, dtype],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    fitted, first, second, counted, evaluated = done.stdout.splitlines()
    assert fitted == "[3, 3]"
    for line in (first, second):
        dropped, same = line.split()
        assert int(dropped) > 0 and same == "False"
    assert first != second
    assert counted == evaluated == "[5, 5]"
