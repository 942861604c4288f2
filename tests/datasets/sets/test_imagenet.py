import gzip
import io
import itertools
import os

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from datasets.errors import DatasetError
from datasets.records import reader, schema
from datasets.sets import bounding_boxes, imagenet
from datasets.sets.imagenet import ImageNet

LABELS = "imagenet_2012_validation_synset_labels.txt"
TENCH, FISH, HEN = "n01440764", "n01443537", "n01514859"
CMYK, PNG = f"{TENCH}_2.JPEG", f"{HEN}_1.JPEG"


def cmyk_jpeg():
    pixels = np.random.default_rng(5).integers(0, 256, (10, 8, 4), dtype=np.uint8)
    output = io.BytesIO()
    Image.fromarray(pixels, "CMYK").save(output, "JPEG")
    return output.getvalue()


@pytest.fixture(scope="module")
def train(jpeg):
    """Training images by synset and name; two are of the kinds that need repair."""
    png = tf.io.encode_png(np.full((6, 5, 3), 77, np.uint8)).numpy()
    return {
        FISH: {f"{FISH}_1.JPEG": jpeg(10), f"{FISH}_2.JPEG": jpeg(11)},
        TENCH: {f"{TENCH}_1.JPEG": jpeg(20), CMYK: cmyk_jpeg()},
        HEN: {PNG: png},
    }


@pytest.fixture(scope="module")
def validation(jpeg):
    return {f"ILSVRC2012_val_{number:08d}.JPEG": jpeg(30 + number) for number in range(1, 5)}


SYNSETS_OF_VALIDATION = [HEN, TENCH, FISH, TENCH]

TRAIN = [
    (f"{TENCH}_1.JPEG", 1, TENCH),
    (CMYK, 1, TENCH),
    (f"{FISH}_1.JPEG", 2, FISH),
    (f"{FISH}_2.JPEG", 2, FISH),
    (PNG, 3, HEN),
]
VALIDATION = [
    ("ILSVRC2012_val_00000001.JPEG", 3, HEN),
    ("ILSVRC2012_val_00000002.JPEG", 1, TENCH),
    ("ILSVRC2012_val_00000003.JPEG", 2, FISH),
    ("ILSVRC2012_val_00000004.JPEG", 1, TENCH),
]


@pytest.fixture
def raw(make_folder, train, validation, tar):
    """Lays the data set out; each part in one of its forms."""

    def make(train_form="tar", validation_form="tar", **more):
        files = dict(more)
        if validation_form == "tar":
            files["ILSVRC2012_img_val.tar"] = tar(validation)
        elif validation_form == "folder":
            files.update({f"val/{name}": data for name, data in validation.items()})
        else:
            for (name, data), synset in zip(validation.items(), SYNSETS_OF_VALIDATION, strict=True):
                files[f"validation/{synset}/{name}"] = data
        if validation_form != "synsets":
            files[LABELS] = "".join(f"{name}\n" for name in SYNSETS_OF_VALIDATION).encode()
        tars = {f"{synset}.tar": tar(images) for synset, images in train.items()}
        if train_form == "tar":
            files["ILSVRC2012_img_train.tar"] = tar(tars)
        elif train_form == "tars":
            files.update({f"train/{name}": data for name, data in tars.items()})
        else:
            for synset, images in train.items():
                files.update({f"train/{synset}/{name}": data for name, data in images.items()})
        return make_folder(files, f"{train_form}-{validation_form}-{len(more)}")

    return make


def listed(items):
    return [(item.name, item.label, item.synset) for item in items]


@pytest.mark.parametrize(
    "train_form,validation_form",
    [("tar", "tar"), ("tars", "folder"), ("folders", "synsets"), ("folders", "tar")],
)
def test_every_published_form_gives_the_same(raw, train, validation, train_form, validation_form):
    listing = ImageNet(raw(train_form, validation_form)).listing()
    assert listed(listing.splits["train"]) == TRAIN
    assert listed(listing.splits["validation"]) == VALIDATION
    assert listing.labels == ("background", TENCH, FISH, HEN)
    for item in listing.splits["train"]:
        assert item.source.read() == train[item.synset][item.name]
    for item in listing.splits["validation"]:
        assert item.source.read() == validation[item.name]


XML = """<annotation><folder>{synset}</folder><filename>%s</filename>
<size><width>{width}</width><height>{height}</height><depth>3</depth></size>{objects}</annotation>"""
OBJECT = """<object><name>{name}</name><bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax>
<ymax>{3}</ymax></bndbox></object>"""


def annotation(synset, width, height, *boxes):
    objects = "".join(OBJECT.format(*box[1:], name=box[0]) for box in boxes)
    return XML.format(synset=synset, width=width, height=height, objects=objects).encode()


@pytest.fixture(scope="module")
def annotations():
    return {
        # Out of the image, with a fraction; sides in the wrong order; another synset; no area.
        f"{TENCH}/{TENCH}_1.xml": annotation(
            TENCH,
            300,
            200,
            (TENCH, 30, "-5", 400, "150.9"),
            ("Scottish_deerhound", 200, 100, 100, 50),
            (FISH, 1, 1, 2, 2),
            (TENCH, 7, 7, 7, 9),
        ),
        f"{HEN}/{HEN}_1.xml": annotation(HEN, 3, 3, (HEN, 0, 1, 1, 3)),
        "n09999999/n09999999_1.xml": annotation("n09999999", 0, 0),
    }


CSV = f"""{TENCH}_1.JPEG,0.1000,0.0000,1.0000,0.7500
{TENCH}_1.JPEG,0.3333,0.2500,0.6667,0.5000
{HEN}_1.JPEG,0.0000,0.3333,0.3333,1.0000
n09999999_1.JPEG,0.0,0.0,1.0,1.0
"""

# (ymin, xmin, ymax, xmax)
BOXES = {
    f"{TENCH}_1.JPEG": ((0.0, 0.1, 0.75, 1.0), (0.25, 0.3333, 0.5, 0.6667)),
    f"{HEN}_1.JPEG": ((0.3333, 0.0, 1.0, 0.3333),),
}


@pytest.mark.parametrize("form", ["csv", "tar.gz", "tar", "folder"])
def test_boxes_from_xml_and_csv_are_the_same(make_folder, tar, annotations, form):
    if form == "folder":
        path = make_folder(annotations)
    else:
        data = CSV.encode() if form == "csv" else tar(annotations, form == "tar.gz")
        path = f"{make_folder({f'boxes.{form}': data})}/boxes.{form}"
    assert bounding_boxes.read(path, {TENCH, FISH, HEN}) == BOXES


def test_boxes_reach_their_images(raw, tar, annotations, capsys):
    name = "ILSVRC2012_bbox_train_v2.tar.gz"
    raw_dir = raw(**{name: tar(annotations, True)})
    listing = ImageNet(raw_dir).listing()
    boxes = {item.name: item.boxes for item in listing.splits["train"] if item.boxes}
    assert boxes == BOXES
    assert capsys.readouterr().err == (
        f"note: {raw_dir}/{name} has boxes of 2 of the 5 training images\n"
    )
    assert not any(item.boxes for item in ImageNet(raw_dir, "").listing().splits["train"])
    assert capsys.readouterr().err == ""


def test_a_byte_order_mark_costs_no_box(make_folder):
    path = f"{make_folder({'a.csv': CSV.encode('utf-8-sig')})}/a.csv"
    assert bounding_boxes.read(path, {TENCH, FISH, HEN}) == BOXES


@pytest.mark.parametrize(
    "files",
    [
        {"boxes.csv": b""},
        {"boxes.csv": f"{FISH}_9.JPEG,0.1,0.0,1.0,0.75\n".encode()},
        {"boxes.csv/readme.txt": b""},
    ],
)
def test_boxes_of_no_image_are_an_error(raw, make_folder, files):
    path = f"{make_folder(files, 'boxes')}/boxes.csv"
    with pytest.raises(DatasetError, match="boxes.csv holds no bounding box of any .*_file= to"):
        ImageNet(raw(), path).listing()


@pytest.mark.parametrize(
    "name,data,message",
    [
        ("a.csv", b"n01440764_1.JPEG,0.1,0.2\n", "line 1 of .*a.csv.*'n01440764_1.JPEG,0.1,0.2'"),
        ("a.csv", CSV.encode("utf-16"), "a.csv is no CSV file in UTF-8: 'utf-8' codec can't"),
        ("a.csv", gzip.compress(CSV.encode()), "a.csv is no CSV file in UTF-8: 'utf-8' codec"),
        ("a.csv", b"x" * 200_000 + b",0,0,1,1\n", "a.csv is no CSV file .* field larger than"),
        ("a.tar.gz", b"\x1f\x8bnothing", "a.tar.gz is damaged or cut off"),
        ("n01440764_1.xml", b"<annotation>", "annotation n01440764_1.xml cannot be read"),
        ("n01440764_1.xml", annotation(TENCH, 0, 9, (TENCH, 1, 1, 2, 2)), "division by zero"),
        ("n01440764_1.xml", annotation(TENCH, 9, 9, (TENCH, "1e999", 1, 2, 2)), "float infinity"),
        ("../n01440764_1.xml", annotation(TENCH, 9, 9), "'../n01440764_1.xml', which points out"),
    ],
    ids=["columns", "utf-16", "gzip", "field", "tar", "xml", "size", "infinite", "dots"],
)
def test_boxes_that_cannot_be_read(make_folder, tar, name, data, message):
    if name.endswith(".xml"):
        path = f"{make_folder({'b.tar': tar({name: data})}, 'tar')}/b.tar"
    else:
        path = f"{make_folder({name: data})}/{name}"
    with pytest.raises(DatasetError, match=message):
        bounding_boxes.read(path, {TENCH})


def test_records_hold_the_originals_keys_and_repaired_images(
    raw, train, tmp_path, convert_listing, read_back
):
    words = f"{TENCH}\ttench, Tinca tinca\n{FISH}\tgoldfish\n{HEN}\then\n".encode()
    listing = ImageNet(
        raw(**{"imagenet_metadata.txt": words, "imagenet_2012_bounding_boxes.csv": CSV.encode()})
    ).listing()
    manifest = convert_listing(listing, tmp_path / "out")
    assert (tmp_path / "out" / "labels.txt").read_text().splitlines() == [
        "background",
        f"{TENCH} tench, Tinca tinca",
        f"{FISH} goldfish",
        f"{HEN} hen",
    ]
    repaired = {r["file"]: r["reason"] for r in manifest["splits"]["train"]["repaired"]}
    assert repaired == {CMYK: "CMYK JPEG, now an RGB JPEG", PNG: "PNG, now an RGB JPEG"}
    assert manifest["splits"]["validation"]["repaired"] == []

    found = {}
    for data in tf.data.TFRecordDataset(str(tmp_path / "out" / "train-00000-of-00001")):
        feature = tf.train.Example.FromString(data.numpy()).features.feature
        found[feature["image/filename"].bytes_list.value[0].decode()] = feature
    first = found[f"{TENCH}_1.JPEG"]
    assert sorted(first) == sorted(
        f"image/{key}"
        for key in (
            "encoded height width colorspace channels class/label class/synset class/text format "
            "filename object/bbox/xmin object/bbox/xmax object/bbox/ymin object/bbox/ymax "
            "object/bbox/label"
        ).split()
    )
    assert first["image/class/synset"].bytes_list.value[0] == TENCH.encode()
    assert first["image/class/text"].bytes_list.value[0] == b"tench, Tinca tinca"
    assert list(first["image/object/bbox/label"].int64_list.value) == [1, 1]
    assert first["image/encoded"].bytes_list.value[0] == train[TENCH][f"{TENCH}_1.JPEG"]

    for name in (CMYK, PNG):
        encoded = found[name]["image/encoded"].bytes_list.value[0]
        assert found[name]["image/format"].bytes_list.value[0] == b"JPEG"
        assert int(tf.io.extract_jpeg_shape(encoded)[2]) == 3
    # The colours are those of the CMYK file, up to the loss of one more JPEG.
    before = tf.io.decode_jpeg(train[TENCH][CMYK], channels=3)
    after = tf.io.decode_jpeg(found[CMYK]["image/encoded"].bytes_list.value[0])
    assert after.shape == (10, 8, 3)
    difference = tf.abs(tf.cast(before, tf.int32) - tf.cast(after, tf.int32))
    assert float(tf.reduce_mean(tf.cast(difference, tf.float32))) < 30
    flat = tf.io.decode_jpeg(found[PNG]["image/encoded"].bytes_list.value[0])
    assert set(np.unique(flat.numpy())) <= {76, 77, 78}


def logits_line(name, first, count=4):
    return ",".join([name, *(f"{first + number / 8:.3f}" for number in range(count))]) + "\n"


@pytest.fixture
def teacher(make_folder):
    """A folder of logits: four numbers for the background class and three synsets."""
    names = [name for name, _, _ in TRAIN]
    files = {
        "train_0.csv": "".join(logits_line(name, n) for n, name in enumerate(names[:2])),
        "train_1.csv": "".join(logits_line(name, n) for n, name in enumerate(names[2:], 2)),
        "validation": "".join(logits_line(name, -1) for name, _, _ in VALIDATION),
    }
    numbers = itertools.count()

    def make(**more):
        data = {name: text.encode() for name, text in {**files, **more}.items()}
        return make_folder(data, f"logits{next(numbers)}")

    return make


def test_a_teachers_logits_go_into_the_records(raw, teacher, tmp_path, convert_listing):
    listing = ImageNet(raw(), None, teacher()).listing()
    assert listing.digests({}) != ImageNet(raw()).listing().digests({})
    convert_listing(listing, tmp_path / "out")
    split = reader.find_split(str(tmp_path / "out"))
    found = {}
    for record in reader.read_records(split).as_numpy_iterator():
        parsed = schema.parse_example(record["serialized"], num_logits=4)
        found[parsed["filename"].numpy().decode()] = parsed["logits"].numpy().tolist()
    assert found == {
        name: [n, n + 0.125, n + 0.25, n + 0.375] for n, (name, _, _) in enumerate(TRAIN)
    }


def test_logits_that_do_not_fit(raw, teacher, make_folder, tmp_path, convert_listing):
    with pytest.raises(DatasetError, match="holds no files train"):
        ImageNet(raw(), None, make_folder({"a": b""}, "none")).listing()
    name = TRAIN[2][0]
    with pytest.raises(DatasetError, match=f"line 1 of .*train_2.csv: {name} has logits already"):
        ImageNet(raw(), None, teacher(**{"train_2.csv": logits_line(name, 0)})).listing()
    with pytest.raises(DatasetError, match=f"no logits of 3 train images, such as {name}"):
        ImageNet(raw(), None, teacher(**{"train_1.csv": "\n"})).listing()
    short = "".join(logits_line(name, 0, 3) for name, _, _ in TRAIN[2:])
    listing = ImageNet(raw(), None, teacher(**{"train_1.csv": short})).listing()
    with pytest.raises(DatasetError, match="3 teacher logits, not 4.*--on_bad_record=skip"):
        convert_listing(listing, tmp_path / "out", on_bad_record="fail")


# The kit's own numbers: 1 hen, 2 tench, 3 goldfish; 4 is no class of the challenge.
KIT = {"meta.mat": None, "ILSVRC2012_validation_ground_truth.txt": b"1\n2\n3\n2\n"}


@pytest.mark.parametrize("form", ["tar.gz", "folder", "files"])
def test_the_development_kit_numbers_synsets_in_its_own_way(raw, reference, tar, form):
    kit = {**KIT, "meta.mat": reference("meta.mat")}
    inside = {f"ILSVRC2012_devkit_t12/data/{name}": data for name, data in kit.items()}
    inside["ILSVRC2012_devkit_t12/readme.txt"] = b"ILSVRC2012_ID is no place in the alphabet"
    packed = {"ILSVRC2012_devkit_t12.tar.gz": tar(inside, True)}
    folder = raw(**{"tar.gz": packed, "folder": inside, "files": kit}[form])
    os.remove(f"{folder}/{LABELS}")
    listing = ImageNet(folder).listing()
    assert listed(listing.splits["validation"]) == VALIDATION
    assert listing.labels[1:] == (
        f"{TENCH} tench, Tinca tinca",
        f"{FISH} goldfish, Carassius auratus",
        f"{HEN} hen",
    )
    assert listing.splits["train"][0].text == "tench, Tinca tinca"


def test_kaggles_edition_as_it_is_unpacked(make_folder, train, validation, annotations):
    root = "ILSVRC/Data/CLS-LOC"
    files = {f"{root}/train/{s}/{n}": d for s, images in train.items() for n, d in images.items()}
    files |= {f"{root}/val/{name}": data for name, data in validation.items()}
    files |= {f"ILSVRC/Annotations/CLS-LOC/train/{n}": d for n, d in annotations.items()}
    rows = [
        f"{name.removesuffix('.JPEG')},{synset} 85 1 499 272 {synset} 3 4 8 9 \n"
        for name, synset in zip(validation, SYNSETS_OF_VALIDATION, strict=True)
    ]
    # In no order.
    files["LOC_val_solution.csv"] = "".join(["ImageId,PredictionString\n", *rows[::-1]]).encode()
    files["LOC_synset_mapping.txt"] = f"{TENCH} tench, Tinca tinca\n{HEN} hen\n".encode()
    listing = ImageNet(make_folder(files)).listing()
    assert listed(listing.splits["train"]) == TRAIN
    assert listed(listing.splits["validation"]) == VALIDATION
    assert listing.labels == ("background", f"{TENCH} tench, Tinca tinca", FISH, f"{HEN} hen")
    assert sum(bool(item.boxes) for item in listing.splits["train"]) == 2


@pytest.mark.parametrize(
    "changes,message",
    [
        ({"meta.mat": None}, "lacks the file meta.mat"),
        ({"meta.mat": b"no MATLAB file"}, "is no MATLAB file of version 5 to 7"),
        ({"ILSVRC2012_validation_ground_truth.txt": b"1\n5\n"}, "line 2 of .* is '5'; .* 1 to 4"),
        ({"ILSVRC2012_validation_ground_truth.txt": b"1\n4\n"}, "'n00015388' by .*no training"),
        ({"LOC_val_solution.csv": b"ILSVRC2012_val_00000001\n"}, "an image and its synset"),
        ({"LOC_val_solution.csv": b"x" * 200_000}, "LOC_val_solution.csv in .* is no CSV file: f"),
        ({}, "says nowhere what the validation images show"),
    ],
)
def test_unusable_lists_of_labels(raw, reference, changes, message):
    kit = {**KIT, "meta.mat": reference("meta.mat"), **changes}
    if changes.keys() <= {"LOC_val_solution.csv"}:
        kit = changes
    folder = raw(**{name: data for name, data in kit.items() if data is not None})
    os.remove(f"{folder}/{LABELS}")
    with pytest.raises(DatasetError, match=message):
        ImageNet(folder).listing()


def test_the_known_files(make_folder, jpeg):
    assert (len(imagenet.KNOWN_PNG), len(set(imagenet.KNOWN_CMYK))) == (1, 22)
    names = ["n01739381_1309.JPEG", "n01739381_1.JPEG", "n02105855_2933.JPEG"]
    files = {f"train/{name.split('_')[0]}/{name}": jpeg(1) for name in names}
    files["val/n01739381/ILSVRC2012_val_00000001.JPEG"] = jpeg(2)
    listing = ImageNet(make_folder(files)).listing()
    assert listing.source["known_to_need_repair"] == [names[0], names[2]]


@pytest.mark.parametrize("form", ["tar", "folder"])
def test_hidden_files_are_left_out(make_folder, train, validation, tar, form):
    """As macOS packs them: one beside each image."""
    images = {name: {**files, f"._{name}_1.JPEG": b"Mac"} for name, files in train.items()}
    evaluated = {**validation, "._ILSVRC2012_val_00000001.JPEG": b"Mac"}
    files = {LABELS: "".join(f"{name}\n" for name in SYNSETS_OF_VALIDATION).encode()}
    if form == "tar":
        tars = {f"{synset}.tar": tar(found) for synset, found in images.items()}
        files["ILSVRC2012_img_train.tar"] = tar({"._n01440764.tar": b"Mac", **tars})
        files["ILSVRC2012_img_val.tar"] = tar(evaluated)
    else:
        for synset, found in images.items():
            files |= {f"train/{synset}/{name}": data for name, data in found.items()}
        files |= {f"val/{name}": data for name, data in evaluated.items()}
    listing = ImageNet(make_folder(files)).listing()
    assert listed(listing.splits["train"]) == TRAIN
    assert listed(listing.splits["validation"]) == VALIDATION


def test_what_is_missing_is_said(raw, make_folder, tar, jpeg):
    with pytest.raises(DatasetError, match="holds no training images: needed is one of train"):
        ImageNet(make_folder({"a": b""}, "empty")).listing()
    with pytest.raises(DatasetError, match="holds no .JPEG images of any synset"):
        ImageNet(make_folder({"train/dogs/a.JPEG": b""}, "dogs")).listing()
    compressed = raw(**{"gunzip": b""})
    train = f"{compressed}/ILSVRC2012_img_train.tar"
    with open(train, "rb") as file:
        data = gzip.compress(file.read())
    with open(train, "wb") as file:
        file.write(data)
    with pytest.raises(DatasetError, match="train.tar is compressed; .* gunzip first"):
        ImageNet(compressed).listing()
    outside = raw(**{"ILSVRC2012_bbox_train_v2.tar.gz": b"no archive"})
    with pytest.raises(DatasetError, match="bbox_train_v2.tar.gz is damaged"):
        ImageNet(outside).listing()
    short = raw()
    with open(f"{short}/{LABELS}", "w") as file:
        file.write(f"{HEN}\n")
    with pytest.raises(DatasetError, match="ILSVRC2012_val_00000002.JPEG.*has labels of 1 images"):
        ImageNet(short).listing()
    with open(f"{short}/{LABELS}", "w") as file:
        file.write("n00000001\n" * 4)
    with pytest.raises(DatasetError, match="val_00000001.JPEG shows 'n00000001' by imagenet_2012"):
        ImageNet(short).listing()
    evil = tar({"n01440764.tar": tar({"../n01440764_1.JPEG": b""})})
    folder = make_folder({"ILSVRC2012_img_train.tar": evil}, "evil")
    with pytest.raises(DatasetError, match="points out of the archive"):
        ImageNet(folder).listing()
