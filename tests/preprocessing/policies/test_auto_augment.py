import numpy as np
import pytest
import tensorflow as tf

from preprocessing import seeds
from preprocessing.operations import levels
from preprocessing.policies import auto_augment
from preprocessing.policies.auto_augment import apply_operation, apply_policy
from preprocessing.policies.tables import POLICIES

ALWAYS = -1.0
NEVER = 2.0


def made_choices(sub_policy, chances=(ALWAYS, ALWAYS), negative=(False, False)):
    return auto_augment.Choices(
        sub_policy=tf.constant(sub_policy),
        chances=tf.constant(chances),
        negative=tf.constant(negative),
        centres=tf.zeros([2, 2]),
    )


def read_key(key, archive):
    """Splits 'Rotate|3|neg' and the like into the arguments of `apply_operation`."""
    name, level, *rest = key.split("|")
    picture, negative, centre = archive["image"], False, None
    for word in rest:
        if word == "neg":
            negative = True
        elif word.startswith("at_"):
            centre = tuple(int(part) for part in word[3:].split("_"))
        else:
            picture = archive[word.removeprefix("on_")]
    return picture, name, int(level), negative, centre


def keys_of(archive, name):
    return [key for key in archive if key.startswith(f"{name}|")]


@pytest.mark.parametrize("name", levels.OPERATION_NAMES)
def test_operation_equals_the_original(reference, name):
    archive = reference.values("autoaugment")
    keys = keys_of(archive, name)
    assert keys
    for key in keys:
        np.testing.assert_array_equal(
            apply_operation(*read_key(key, archive)), archive[key], err_msg=key
        )


@pytest.mark.parametrize("name", levels.OPERATION_NAMES)
def test_operation_equals_the_original_in_an_optimised_graph(reference, name):
    # The graph optimiser joins constants and reorders sums, which can change the rounding.
    archive = reference.values("autoaugment")
    keys = [key for key in keys_of(archive, name) if "on_" not in key]

    def run_all(picture):
        return [apply_operation(picture, *read_key(key, archive)[1:]) for key in keys]

    dataset = tf.data.Dataset.from_tensors(archive["image"]).map(lambda *p: tuple(run_all(*p)))
    for key, result in zip(keys, next(iter(dataset)), strict=True):
        np.testing.assert_array_equal(result, archive[key], err_msg=key)


@pytest.mark.parametrize("name", ["imagenet", "v0"])
def test_sub_policies_equal_the_original(reference, name):
    archive = reference.values("autoaugment")

    def apply(sub_policy):
        choices = made_choices(0)._replace(sub_policy=tf.cast(sub_policy, tf.int32))
        return apply_policy(archive["image"], name, choices)

    compared = 0
    for sub_policy, result in enumerate(tf.data.Dataset.range(25).map(apply)):
        expected = archive.get(f"policy_{name}_{sub_policy}")
        if expected is not None:
            np.testing.assert_array_equal(result, expected, err_msg=f"{name} {sub_policy}")
            compared += 1
    assert compared == 17


@pytest.mark.parametrize(
    ("name", "negative"),
    [
        ("good", (False, True)),
        ("v0", (True, False)),
        ("svhn", (False, False)),
        ("svhn", (True, True)),
        ("cifar10", (True, False)),
    ],
)
def test_sub_policies_are_their_two_steps(reference, name, negative):
    picture = reference.values("autoaugment")["image"]

    def apply(sub_policy):
        choices = made_choices(0, negative=negative)
        choices = choices._replace(sub_policy=tf.cast(sub_policy, tf.int32))
        return apply_policy(picture, name, choices)

    results = tf.data.Dataset.range(len(POLICIES[name])).map(apply)
    for sub_policy, result in zip(POLICIES[name], results, strict=True):
        expected = tf.constant(picture)
        for (operation, _, level), sign in zip(sub_policy, negative, strict=True):
            centre = (0, 0) if operation == "Cutout" else None
            expected = apply_operation(expected, operation, level, sign, centre)
        np.testing.assert_array_equal(result, expected, err_msg=str(sub_policy))


def test_steps_that_chance_leaves_out(reference):
    archive = reference.values("autoaugment")
    picture = archive["image"]
    # Sub-policy 13: Invert (0.6), then Equalize (1.0).
    np.testing.assert_array_equal(
        apply_policy(picture, "imagenet", made_choices(13, (NEVER, NEVER))), picture
    )
    np.testing.assert_array_equal(
        apply_policy(picture, "imagenet", made_choices(13, (0.59, NEVER))), 255 - picture
    )
    np.testing.assert_array_equal(
        apply_policy(picture, "imagenet", made_choices(13, (0.61, 0.99))), archive["Equalize|5"]
    )


def test_every_sub_policy_is_drawn_equally_often():
    draws = tf.random.stateless_uniform([20_000, auto_augment.DRAWS], seed=[3, 4])
    choices = tf.vectorized_map(
        lambda row: auto_augment.choices_from_draws("good", row).sub_policy, draws
    )
    counts = np.bincount(choices, minlength=95)
    assert len(counts) == 95
    # 210.5 expected, standard deviation 14.4.
    assert counts.min() > 150 and counts.max() < 275


def autoaugment(picture, name, seed):
    return auto_augment.autoaugment(picture, name, seeds.uniform(seed, auto_augment.DRAWS))


def test_same_seed_same_pixels_and_seeds_differ(reference):
    picture = reference.values("autoaugment")["image"]
    results = [autoaugment(picture, "imagenet", [7, seed]).numpy() for seed in range(12)]
    again = [autoaugment(picture, "imagenet", [7, seed]).numpy() for seed in range(12)]
    np.testing.assert_array_equal(results, again)
    assert len({result.tobytes() for result in results}) > 6


def test_rotation_and_shear_equal_the_projective_transform():
    # Other sizes and levels than the reference has; an odd size with a true centre pixel, too.
    for height, width in ((31, 47), (64, 64)):
        picture = np.random.default_rng(1).integers(0, 256, [height, width, 3], np.uint8)
        for level in (2, 3.5, 6, 9):
            for negative in (False, True):
                sign = -1.0 if negative else 1.0
                angle = sign * level / 10 * 30 * np.pi / 180
                sine, cosine = np.sin(angle), np.cos(angle)
                right, bottom = width - 1, height - 1
                x_offset = (right - (cosine * right - sine * bottom)) / 2
                y_offset = (bottom - (sine * right + cosine * bottom)) / 2
                tangent = sign * level / 10 * 0.3
                matrices = {
                    "Rotate": [cosine, -sine, x_offset, sine, cosine, y_offset, 0, 0],
                    "ShearX": [1, tangent, 0, 0, 1, 0, 0, 0],
                    "ShearY": [1, 0, 0, tangent, 1, 0, 0, 0],
                }
                for name, matrix in matrices.items():
                    expected = tf.raw_ops.ImageProjectiveTransformV3(
                        images=picture[np.newaxis],
                        transforms=np.float32([matrix]),
                        output_shape=[height, width],
                        fill_value=128.0,
                        interpolation="NEAREST",
                        fill_mode="CONSTANT",
                    )[0]
                    result = apply_operation(picture, name, level, negative)
                    np.testing.assert_array_equal(result, expected, err_msg=f"{name} {level}")


def test_equalize_odd_and_even_sizes_agree():
    # A size that is no multiple of 6 takes the table of single bytes.
    picture = np.random.default_rng(2).integers(0, 200, [21, 33, 3], np.uint8)
    doubled = np.concatenate([picture, picture])
    by_bytes = apply_operation(doubled[:, :, :], "Equalize", 0).numpy()
    assert doubled.size % 6 == 0 and picture.size % 6 != 0
    # Sizes 693 and 1386: the same cumulated shares, so hardly another table; the channels are
    # independent, so permuting them permutes the result.
    for array in (picture, doubled):
        plain = apply_operation(array, "Equalize", 0).numpy()
        turned = apply_operation(array[:, :, ::-1], "Equalize", 0).numpy()
        np.testing.assert_array_equal(plain[:, :, ::-1], turned)
    np.testing.assert_array_equal(by_bytes[:21], by_bytes[21:])


def test_contrast_uses_the_pixel_count():
    # 16 x 32 pixels: grey 512 / 256 = 2; factor 0.1: 2 + 0.1 * (100 - 2) = 11.8.
    picture = np.full([16, 32, 3], 100, np.uint8)
    assert np.unique(apply_operation(picture, "Contrast", 0)).tolist() == [11]
    # From 65,280 pixels on the grey is white: 255 - 0.1 * 155 = 239.5.
    picture = np.full([256, 256, 3], 100, np.uint8)
    assert np.unique(apply_operation(picture, "Contrast", 0)).tolist() == [239]


def test_solarize_add_leaves_bright_values():
    picture = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, 2)
    result = apply_operation(picture, "SolarizeAdd", 10).numpy()[..., 0].reshape(-1)
    assert result[0] == 110 and result[127] == 237
    assert result[128:].tolist() == list(range(128, 256))


def test_translation_by_more_than_the_picture_is_grey():
    picture = np.zeros([20, 30, 3], np.uint8)
    assert np.unique(apply_operation(picture, "TranslateX", 10)).tolist() == [128]
    assert np.unique(apply_operation(picture, "TranslateY", 10, True)).tolist() == [128]


def test_refused_arguments():
    picture = np.zeros([8, 8, 3], np.uint8)
    with pytest.raises(ValueError, match="good.*policy_name='best'"):
        autoaugment(picture, "best", [1, 2])
    with pytest.raises(ValueError, match="Posterize.*name='Posterise'"):
        apply_operation(picture, "Posterise", 3)
    with pytest.raises(ValueError, match="level=11"):
        apply_operation(picture, "Rotate", 11)
    with pytest.raises(ValueError, match="dtype=float32"):
        autoaugment(np.zeros([8, 8, 3], np.float32), "imagenet", [1, 2])
    with pytest.raises(ValueError, match="centre"):
        apply_operation(picture, "Cutout", 3)
