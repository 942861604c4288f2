"""Between conversion and training of the quick start."""

import os

import pytest

from datasets.conversion import command
from official import quickstart
from official.checkpoints import downloads
from official.run.errors import RunError


def test_the_budget_of_the_groceries_is_that_of_the_flag_file():
    assert quickstart.fitting(675) == {
        "batch_size": 32,
        "base_learning_rate": 0.05,
        "train_epochs": 28,
        "lr_warmup_epochs": 2,
        "epochs_between_evals": 6,
        "save_checkpoints_epochs": 4,
    }


@pytest.mark.parametrize(
    "images,batch,epochs,steps",
    [
        (2, 1, 150, 300),
        (16, 4, 75, 300),
        (100, 16, 50, 300),
        (128, 32, 75, 300),
        (9_000, 32, 27, 7_587),
        (50_000, 32, 5, 7_810),
        (1_000_000, 32, 4, 125_000),
    ],
)
def test_batch_and_schedule_fit_the_data(images, batch, epochs, steps):
    found = quickstart.fitting(images)
    assert (found["batch_size"], found["train_epochs"]) == (batch, epochs)
    assert images // batch * epochs == steps
    assert found["base_learning_rate"] == 0.05 * batch / 32
    assert 1 <= found["lr_warmup_epochs"] and 1 <= found["save_checkpoints_epochs"]


def machine(cores=2, gpus=0, free_bytes=2**40):
    return quickstart.Machine(cores, gpus, free_bytes)


@pytest.mark.parametrize(
    "images,batch,rate,crops",
    [(8, 2, 5e-5, 16), (75, 16, 0.000141, 16), (675, 32, 2e-4, 7), (50_000, 32, 2e-4, 2)],
)
def test_fine_tuning_fits_the_data(images, batch, rate, crops):
    """From five photos of each of two classes on, of which four are for training."""
    found = quickstart.finetuning(images, 2, machine())
    assert (found["batch_size"], found["base_learning_rate"]) == (batch, rate)
    assert (found["repeat_crops"], found["train_epochs"]) == (crops, 2 * crops)
    assert found["freeze"] == "stem,stage1,stage2,stage3,batch_norm"


def test_fine_tuning_fits_the_disk():
    # 675 * 7 maps of 14 * 14 * 1024 numbers of 16 bits are 1.9 GB.
    assert quickstart.finetuning(675, 5, machine(free_bytes=3_800_000_000))["freeze"].startswith(
        "stem,"
    )
    small = quickstart.finetuning(675, 5, machine(free_bytes=3_700_000_000))
    assert (small["freeze"], small["base_learning_rate"]) == ("backbone", 1e-3)


def test_fine_tuning_fits_the_classes():
    """Of 400 photos 12 batches make an epoch: 24 epochs for 12 crops, or ten updates of a class."""
    epochs = [quickstart.finetuning(400, n, machine())["train_epochs"] for n in (5, 28, 29, 100)]
    assert epochs == [24, 24, 25, 84]


def test_fine_tuning_fits_the_machine():
    crops = [
        quickstart.finetuning(675, 5, machine(*m))["repeat_crops"] for m in ((1,), (4,), (8, 1))
    ]
    assert crops == [3, 14, 16]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_photos_that_were_added_are_noticed(make_photos, tmp_path):
    """Results of the photos before move aside, once; nothing is removed."""
    raw, records, work = tmp_path / "photos [1]", tmp_path / "work/tfrecords", tmp_path / "work"
    convert = ["image_folder", f"--raw_dir={raw}", f"--output_dir={records}", "--overwrite"]
    convert += ["--validation_fraction=auto"]
    make_photos(raw, 2)
    assert command.main(convert) == 0
    said = quickstart.prepare(str(records), str(work))
    assert "--batch_size=1 " in said and names(work) == ["fit.flags", "tfrecords"]
    assert "--batch_size=1\n" in (work / "fit.flags").read_text()
    for name in ("assemble", "export"):
        (work / name).mkdir()
        (work / name / "mine").write_text("one")
    # The same again, but for the times of the files: nothing happens.
    os.utime(raw / "cat/0.jpg", (9, 9))
    assert command.main(convert) == 0
    assert "for these photos already" in quickstart.prepare(str(records), str(work))
    assert names(work) == ["assemble", "export", "fit.flags", "tfrecords"]
    make_photos(raw, 4)
    assert command.main(convert) == 0
    digest = (work / "fit.flags").read_text().split("\n")[0].split()[-1]
    aside = f"before-{digest[:8]}"
    said = quickstart.prepare(str(records), str(work))
    assert f"assemble, export of the earlier ones lie in {work / aside} now" in said
    assert names(work) == [aside, "fit.flags", "tfrecords"]
    assert (work / aside / "export/mine").read_text() == "one"
    # Back and forth: what was put aside before stays.
    make_photos(raw, 2)
    (work / "export").mkdir()
    assert command.main(convert) == 0
    quickstart.prepare(str(records), str(work))
    make_photos(raw, 4)
    (work / "export").mkdir()
    assert command.main(convert) == 0
    quickstart.prepare(str(records), str(work))
    assert (work / aside / "export/mine").read_text() == "one"
    assert names(work / aside) == ["2-export", "assemble", "export"]


def test_weights_decide_what_is_trained(make_photos, tmp_path, monkeypatch, capsys):
    """Without them it says so; once they are there, and after photos were added, flags follow."""
    file = downloads.Published("w.h5", "md5:900150983cd24fb0d6963f7d28e17f72", "http://localhost:9")
    monkeypatch.setattr(downloads, "WEIGHTS", {"resnet50": (file,)})
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    raw, records, work = tmp_path / "photos", tmp_path / "records", tmp_path / "work"
    convert = ["image_folder", f"--raw_dir={raw}", f"--output_dir={records}", "--overwrite"]
    convert += ["--validation_fraction=auto"]
    make_photos(raw, 2)
    work.mkdir()
    assert command.main(convert) == 0
    quickstart.prepare(str(records), str(work), "finetune")
    assert names(work) == ["fit.flags"]
    said = capsys.readouterr().err
    assert "no ImageNet weights, so the network starts from nothing" in said and "w.h5" in said
    (tmp_path / "models/w.h5").write_bytes(b"abc")  # As long as its checksum is right.
    said = quickstart.prepare(str(records), str(work), "finetune")
    assert "--pretrained=imagenet --freeze=" in said and "--batch_size=1 " in said
    (work / "finetuned").mkdir()
    make_photos(raw, 4)
    assert command.main(convert) == 0
    said = quickstart.prepare(str(records), str(work), "finetune")
    assert "photos changed: finetuned of" in said and "--repeat_crops=16" in said
    (aside,) = work.glob("before-*")
    assert names(work) == [aside.name, "finetune.flags", "fit.flags"]


def test_what_it_refuses(tmp_path):
    with pytest.raises(RunError, match="nowhere holds no records of"):
        quickstart.prepare(str(tmp_path / "nowhere"), str(tmp_path))


@pytest.fixture
def make_photos():
    """Leaves so many photos, always the same, in each of two class folders."""
    import tensorflow as tf

    def make(folder, count):
        for place, name in enumerate(("cat", "dog")):
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number in range(4):
                path = folder / name / f"{number}.jpg"
                path.write_bytes(tf.io.encode_jpeg([[[place, number, 0]] * 8] * 8).numpy())
                os.utime(path, (1, 1))
                if number >= count:
                    path.unlink()

    return make
