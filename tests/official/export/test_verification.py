"""When an exported model counts as the run's network, and what it makes of a phone's photo."""

import io

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf

from nets import ModelConfig, build_model, fold_batch_norm
from official.export import module, verification
from official.run.errors import RunError
from preprocessing import PreprocessingConfig

KNOWN = {"correct_top1": 1, "images": 2, "checkpoint": "model.ckpt-1"}


def compared(*pairs):
    """The comparison of pairs of logits, of images whose class is 0."""
    found = verification.Comparison()
    for reference, exported in pairs:
        found.add(np.array(reference, np.float32), np.array(exported, np.float32), 0)
    return found


def test_logits_are_compared_and_not_only_decisions():
    # The largest logit is 10, so 0.005 is half of the tolerance and 0.02 twice as much.
    near = compared([[10.0, 4.0], [10.005, 4.0]])
    assert near.equal and near.largest == pytest.approx(5e-4, rel=1e-3)
    far = compared([[10.0, 4.0], [10.02, 4.0]])
    assert not far.equal and far.right == far.reference_right == 1
    with pytest.raises(RunError, match=r"0.002 of the largest \(tolerance 0.001\), 0 of 1"):
        verification._require_equal(far, {})


def test_a_near_tie_may_be_decided_otherwise():
    tie = compared([[1.0, 0.9999], [0.9999, 1.0]])
    assert tie.equal and (tie.right, tie.reference_right, tie.near) == (0, 1, 1)
    clear = compared([[1.0, 0.99], [0.99, 1.0]])
    assert not clear.equal and clear.flipped == 1


def test_what_is_no_number_is_no_agreement():
    assert not compared([[1.0, 0.0], [np.nan, 0.0]]).equal
    assert not compared([[np.nan, 0.0], [np.nan, 0.0]], [[1.0, 0.0], [1.0, 0.0]]).equal


def test_an_evaluation_of_something_else_is_noticed():
    clear = [[3.0, 1.0], [3.0, 1.0]]
    with pytest.raises(RunError, match="2 of 2 images rightly, but evaluation.json says 1 of 2"):
        verification._require_equal(compared(clear, clear), KNOWN)
    # It may have seen a near decision otherwise.
    verification._require_equal(compared(clear, [[1.0, 0.999], [1.0, 0.999]]), KNOWN)
    with pytest.raises(RunError, match="1 of 1 images"):
        verification._require_equal(compared(clear), KNOWN)


def test_a_served_network_turns_a_photo_upright():
    """It says of a lying photo what it says of the same pixels turned, without a tag."""
    config = ModelConfig(resnet_size=18, num_filters=8, num_classes=3)
    network = fold_batch_norm(build_model(config))
    pixels = np.random.RandomState(0).randint(0, 255, (40, 64, 3), np.uint8)
    exif = PIL.Image.Exif()
    exif[274] = 6
    lying = io.BytesIO()
    PIL.Image.fromarray(pixels).save(lying, "jpeg", exif=exif.tobytes(), quality=95)
    stored = tf.io.decode_jpeg(lying.getvalue(), dct_method="INTEGER_ACCURATE").numpy()
    # 6: a quarter turn clockwise.
    turned = tf.io.encode_png(np.rot90(stored, -1)).numpy()
    plain = tf.io.encode_png(stored).numpy()

    def logits(exif_orientation, *images):
        prepared = PreprocessingConfig(image_size=32, exif_orientation=exif_orientation)
        served = module.ServingModule(network, prepared, {})
        return served.from_bytes(tf.constant(images))["logits"].numpy()

    on, wanted = logits(True, lying.getvalue(), turned)
    np.testing.assert_allclose(on, wanted, rtol=1e-5, atol=1e-6)
    off, as_stored = logits(False, lying.getvalue(), plain)
    np.testing.assert_allclose(off, as_stored, rtol=1e-5, atol=1e-6)
    assert np.abs(on - off).max() > 1e-3
