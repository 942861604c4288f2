import numpy as np
import pytest
import tensorflow as tf

from nets.layers.anti_alias import BlurPool2D, blur_matrix


@pytest.mark.parametrize("filter_size", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_equals_the_original(reference, filter_size, strides):
    values = reference.npz("functions/layers")
    inputs = values["aa_in_8x8"]
    expected = values[f"aa_8x8_f{filter_size}_s{strides}"]
    layer = BlurPool2D(filter_size, strides)
    assert reference.error(layer(inputs), expected) < 1e-6
    assert layer.compute_output_shape(inputs.shape) == expected.shape
    unknown = tf.function(layer, input_signature=[tf.TensorSpec([None, None, None, 5])])
    assert reference.error(unknown(inputs), expected) < 1e-6
    assert not layer.weights


@pytest.mark.parametrize("filter_size", [2, 3, 4, 5, 6, 7])
def test_odd_sizes_equal_a_convolution_written_out(reference, filter_size):
    inputs = reference.npz("functions/layers")["aa_in_9x11"]
    pad = (filter_size - 1) // 2
    padded = np.pad(inputs, [(0, 0), (pad, pad), (pad, pad), (0, 0)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (filter_size,) * 2, (1, 2))
    row = (np.poly1d([1, 1]) ** (filter_size - 1)).coeffs
    weights = np.outer(row, row) / row.sum() ** 2
    expected = (windows[:, ::2, ::2] * weights).sum((-2, -1))
    assert reference.error(BlurPool2D(filter_size, 2)(inputs), expected) < 1e-6


def test_filter_of_one_subsamples_rows_and_columns():
    """The original's slices hit columns and channels, the axes of the other data format."""
    inputs = np.arange(2 * 5 * 4 * 3, dtype=np.float32).reshape(2, 5, 4, 3)
    np.testing.assert_array_equal(BlurPool2D(1, 2)(inputs), inputs[:, ::2, ::2])


def test_matrix_by_hand():
    # Rows 0, 2 and 4 of five cells: the border mirrors the neighbour, not itself.
    expected = [[0.5, 0.5, 0, 0, 0], [0, 0.25, 0.5, 0.25, 0], [0, 0, 0, 0.5, 0.5]]
    np.testing.assert_array_equal(blur_matrix(5, 3, 2, tf.float32), expected)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("filter_size", [3, 5, 7])
def test_maps_smaller_than_the_padding_are_mirrored_again(size, filter_size):
    pad = (filter_size - 1) // 2
    row = np.arange(1.0, size + 1)
    padded = np.pad(row, pad, mode="reflect")
    weights = np.poly1d([1, 1]) ** (filter_size - 1)
    blurred = np.convolve(padded, weights.coeffs / 2 ** (filter_size - 1), "valid")[::2]
    matrix = blur_matrix(size, filter_size, 2, tf.float32).numpy()
    np.testing.assert_allclose(matrix @ row, blurred, rtol=1e-6)


def test_gradient_spreads_what_the_filter_gathered():
    inputs = tf.ones([1, 6, 6, 1])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        output = tf.reduce_sum(BlurPool2D(3, 2)(inputs))
    column = blur_matrix(6, 3, 2, tf.float32).numpy().sum(0)
    expected = np.outer(column, column)
    np.testing.assert_allclose(tape.gradient(output, inputs)[0, :, :, 0], expected, rtol=1e-6)


@pytest.mark.parametrize("fields", [{"filter_size": 0}, {"filter_size": 8}, {"strides": 0}])
def test_impossible_settings_are_refused(fields):
    with pytest.raises(ValueError, match=str(next(iter(fields)))):
        BlurPool2D(**fields)
