import numpy as np
import pytest

from datasets.errors import DatasetError
from datasets.sets import matlab


def test_reads_what_scipy_wrote(reference):
    found = matlab.read_mat(reference("kinds.mat"), "kinds.mat")
    np.testing.assert_array_equal(found["grid"], [[0.5, 1.5, 2.5], [3.5, 4.5, 5.5]])
    np.testing.assert_array_equal(found["small"], [[1, 300, 70000]])
    np.testing.assert_array_equal(found["negative"], [[-5]])
    assert found["empty"].size == 0
    assert found["nested"][0] == "Café"
    assert found["nested"][1][0] == "in"
    assert found["nested"][1][1] == 2


def test_reads_compressed_structs(reference):
    found = matlab.read_mat(reference("cars_annos.mat"), "cars_annos.mat")
    assert len(found["annotations"]) == 8
    first = found["annotations"][0]
    assert first["relative_im_path"] == "car_ims/000008.jpg"
    corners = [first[name].item() for name in ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")]
    assert corners == [3, 1, 14, 12]
    assert found["class_names"][3] == "Audi R8 Coupé 2012"


@pytest.mark.parametrize("size", [0, 100, 128, 140, 200])
def test_cut_off_files(reference, size):
    data = reference("cars_annos.mat")[:size]
    if size == 128:
        assert matlab.read_mat(data, "a.mat") == {}
        return
    with pytest.raises(DatasetError, match="a.mat"):
        matlab.read_mat(data, "a.mat")


def test_every_cut_of_an_uncompressed_file_ends_in_words(reference):
    data = reference("kinds.mat")
    for size in range(129, len(data), 7):
        try:
            matlab.read_mat(data[:size], "a.mat")
        except DatasetError as error:
            assert "a.mat" in str(error)


def test_other_versions_are_named():
    with pytest.raises(DatasetError, match="MATLAB 7.3 file; save it with -v7"):
        matlab.read_mat(b"MATLAB 7.3 MAT-file" + bytes(200), "a.mat")
    with pytest.raises(DatasetError, match="no MATLAB file of version 5"):
        matlab.read_mat(b"\x89HDF" + bytes(200), "a.mat")
