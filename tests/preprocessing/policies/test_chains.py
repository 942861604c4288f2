import itertools

import numpy as np
import pytest
import tensorflow as tf

from preprocessing.operations.geometry import compose_maps, rotation_map, translation_x_map
from preprocessing.policies import chains
from preprocessing.policies.auto_augment import apply_operation

PICTURE = np.random.default_rng(4).integers(0, 256, [21, 34, 3], np.uint8)


def run(steps, chances, negative):
    function = chains.policy_function((steps,), *PICTURE.shape[:2])
    choices = chains.Choices(
        sub_policy=tf.constant(0),
        chances=tf.constant(chances),
        negative=tf.constant(negative),
        centres=tf.zeros([len(steps), 2]),
    )
    return function(PICTURE, choices)


def test_maps_one_after_the_other_by_hand():
    # 2 is outside. First: exchange; second: take place 1 twice, or the outside.
    first = np.int32([1, 0])
    assert compose_maps(first, np.int32([1, 1])).tolist() == [0, 0]
    assert compose_maps(first, np.int32([2, 0])).tolist() == [2, 1]
    assert compose_maps(np.int32([2, 0]), np.int32([0, 1])).tolist() == [2, 0]
    assert translation_x_map(-1.0, 1, 3).tolist() == [3, 0, 1]
    # Beyond the image, and halves as `tf.round` has them.
    assert translation_x_map(9.0, 1, 3).tolist() == [3, 3, 3]
    assert translation_x_map(0.5, 1, 3).tolist() == [0, 1, 2]
    assert rotation_map(0.0, 3, 4).tolist() == list(range(12))


@pytest.mark.parametrize("negative", [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize(
    "steps",
    [
        (("Rotate", 0.5, 7), ("ShearY", 0.5, 9)),
        (("TranslateX", 0.5, 0.3), ("Rotate", 0.5, 10)),
        (("ShearX", 0.5, 10), ("TranslateY", 0.5, 0.5)),
        (("Equalize", 0.5, 0), ("Equalize", 0.5, 0)),
    ],
    ids=str,
)
def test_joined_steps_are_their_steps(steps, negative):
    for done in ((True, True), (True, False), (False, True)):
        expected = tf.constant(PICTURE)
        for (name, _, level), sign, do in zip(steps, negative, done, strict=True):
            if do:
                expected = apply_operation(expected, name, level, sign)
        chances = [0.4 if do else 0.6 for do in done]
        np.testing.assert_array_equal(run(steps, chances, negative), expected, err_msg=str(done))


def test_every_combination_of_steps_and_signs():
    steps = (("Cutout", 0.5, 1), ("ShearX", 0.5, 6))
    centres = tf.constant([[0.5, 0.25], [0.1, 0.9]])
    for order in ((0, 1), (1, 0)):
        ordered = tuple(steps[place] for place in order)
        function = chains.policy_function((ordered,), *PICTURE.shape[:2])
        for done in itertools.product((True, False), repeat=2):
            for negative in itertools.product((True, False), repeat=2):
                expected = tf.constant(PICTURE)
                for place, step in enumerate(order):
                    name, _, level = steps[step]
                    centre = (10, 8) if place == 0 else (2, 30)
                    if done[place]:
                        expected = apply_operation(expected, name, level, negative[place], centre)
                chances = tf.constant([0.4 if do else 0.6 for do in done])
                choices = chains.Choices(tf.constant(0), chances, tf.constant(negative), centres)
                np.testing.assert_array_equal(function(PICTURE, choices), expected)
