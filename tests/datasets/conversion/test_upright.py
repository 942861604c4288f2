"""Photos are stored as people look at them."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from datasets.conversion import command, upright
from datasets.conversion.image_check import check_image

# Rows of 2, columns of 3: [[a, b, c], [d, e, f]].
LETTERS = np.arange(6, dtype=np.uint8).reshape(2, 3, 1) * np.uint8(40)
TURNED = {
    1: "abc/def", 2: "cba/fed", 3: "fed/cba", 4: "def/abc",
    5: "ad/be/cf", 6: "da/eb/fc", 7: "fc/eb/da", 8: "cf/be/ad",
}  # fmt: skip


def exif(orientation):
    tags = Image.Exif()
    tags[274] = orientation
    return tags.tobytes()


def photo(orientation, image_format="JPEG", size=(48, 32), seed=0):
    """A smooth picture of another colour in each corner."""
    width, height = size
    corners = np.random.default_rng(seed).integers(0, 256, (2, 2, 3)).astype(np.uint8)
    image = Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    options = {"quality": 95} if image_format == "JPEG" else {}
    image.save(file, image_format, exif=exif(orientation), **options)
    return file.getvalue()


@pytest.mark.parametrize("how", TURNED)
def test_every_orientation_by_hand(how):
    found = upright.turned(LETTERS, how)[..., 0] // 40
    assert "/".join("".join("abcdef"[n] for n in row) for row in found) == TURNED[how]


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("how", [3, 6])
def test_as_pillow_turns_them(image_format, how):
    data = photo(how, image_format)
    assert upright.orientation(data) == how
    image = upright.adjusted(check_image(data), how, 0)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    assert (image.height, image.width) == expected.shape[:2]
    decoded = tf.io.decode_image(image.encoded, channels=3).numpy()
    difference = np.abs(decoded.astype(int) - expected)
    # Rounding of a JPEG that is encoded once more.
    assert difference.max() <= (8 if image_format == "JPEG" else 0) and difference.mean() < 2
    # Nothing is left to be turned.
    assert upright.orientation(image.encoded) == 1


def test_what_says_nothing_sensible_is_upright(jpeg):
    broken = photo(6).replace(b"MM\0*", b"MM\0\xff").replace(b"II*\0", b"II\xff\0")
    for data in (jpeg(0), photo(1), photo(9), photo(0), broken, b"", b"Exif\0\0", b"eXIf"):
        assert upright.orientation(data) == 1
    image = check_image(jpeg(0))
    assert upright.adjusted(image, 1, 0) is image
    assert upright.adjusted(image, 1, 16) is image


def test_no_side_is_longer_than_wanted(jpeg):
    image = upright.adjusted(check_image(jpeg(0, 30, 80)), 6, 40)
    assert (image.height, image.width, image.image_format) == (40, 15, "JPEG")
    assert tf.io.decode_jpeg(image.encoded).shape == (40, 15, 3)


@pytest.fixture
def phone(make_folder):
    files = {}
    for name in ("cat", "dog"):
        for number in range(8):
            files[f"{name}/{number}.jpg"] = photo(number + 1, seed=number)
    files["list.csv"] = b"path,label\n" + b"".join(
        f"{name},{name[:3]}\n".encode() for name in files if name != "list.csv"
    )
    return make_folder(files)


@pytest.mark.parametrize("kind", ["image_folder", "csv"])
def test_own_photos_are_turned_and_counted(phone, tmp_path, read_back, capsys, kind):
    out = str(tmp_path / "out")
    arguments = [kind, f"--raw_dir={phone}", f"--output_dir={out}", "--validation_fraction=0.25"]
    arguments += [f"--csv_file={phone}/list.csv"] if kind == "csv" else []
    assert command.main([*arguments, "--max_side=24"]) == 0
    said = capsys.readouterr().out
    assert "14 images turned upright by their EXIF orientation" in said
    assert "16 images reduced to max_side" in said
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert (manifest["upright"], manifest["max_side"]) == (True, 24)
    for record in (*read_back(out, "train"), *read_back(out, "validation")):
        number = int(record["filename"].decode()[4])
        shape = tf.io.decode_jpeg(record["encoded"]).shape[:2]
        assert shape == ((16, 24) if number < 4 else (24, 16))
    # Other flags make another data set.
    assert command.main([*arguments, "--ignore_exif"]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert command.main([*arguments, "--ignore_exif", "--overwrite"]) == 0
    said = capsys.readouterr().out
    assert "14 images left as stored in spite of their EXIF orientation" in said
    for record in read_back(out, "train"):
        with open(f"{phone}/{record['filename'].decode()}", "rb") as file:
            assert record["encoded"] == file.read()


def test_published_sets_stay_as_they_are(make_folder, tmp_path, read_back, capsys):
    files = {f"food-101/images/pie/{n}.jpg": photo(6, seed=n) for n in range(4)}
    files |= {
        "food-101/meta/classes.txt": b"pie\nsoup\n",
        "food-101/meta/train.txt": b"pie/0\npie/1\npie/2\n",
        "food-101/meta/test.txt": b"pie/3\n",
    }
    out = str(tmp_path / "out")
    assert command.main(["food101", f"--raw_dir={make_folder(files)}", f"--output_dir={out}"]) == 0
    assert "4 images left as stored in spite of their EXIF" in capsys.readouterr().out
    (record,) = read_back(out, "validation")
    assert record["encoded"] == files["food-101/images/pie/3.jpg"]
