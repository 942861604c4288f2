"""Sends bad pictures among good ones to `python -m official.serve`, and watches its memory.

    scripts/soak_serving.sh 10000 [SAVED_MODEL]     # or: python tests/official/serve/soak.py ...

Each request has one to eight pictures, in any order, of which at least one is bad: empty, no
picture, GIF, animated, cut off, with bytes changed, or a claim of a hundred megapixels and more.
Every good one must get the answer that it gets alone, to 1e-5, every bad one of a known kind its
status. The memory of the process that serves is read every tenth of the way; before, it has had
good pictures of nearly as many pixels as it takes, since TensorFlow keeps what it once needed.
Without SAVED_MODEL a small network with random weights is exported first.
"""

import collections
import io
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import PIL.Image

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))
GOOD, EMPTY, OTHER, LARGE, ANIMATED, DAMAGED = range(6)


def saved(kind, seed, height=300, width=400, **options):
    """A picture of smooth colours, as large as a small photo."""
    small = np.random.RandomState(seed).randint(0, 255, (6, 8, 3), np.uint8)
    buffer = io.BytesIO()
    picture = PIL.Image.fromarray(small).resize((width, height), PIL.Image.Resampling.BICUBIC)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb(width, height):
    """A PNG of under a hundred bytes that claims a size."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(9)))


def plain_jpeg(width, height):
    """A JPEG of one colour: a few hundred kilobytes for a hundred megapixels."""
    buffer = io.BytesIO()
    PIL.Image.new("RGB", (width, height), "teal").save(buffer, "jpeg", quality=20)
    return buffer.getvalue()


def bad_ones():
    """Bad pictures by what they are: bytes, or a function that makes some, and the status."""
    frames = [PIL.Image.new("RGB", (64, 48), colour) for colour in ("red", "blue")]
    moving = io.BytesIO()
    frames[0].save(moving, "png", save_all=True, append_images=frames[1:])
    jpeg, png = saved("jpeg", 90), saved("png", 91)
    return {
        "empty": (b"", EMPTY),
        "text": (b"<html>404</html>" * 50, OTHER),
        "noise": (lambda: random.randbytes(random.randrange(1, 5000)), OTHER),
        "GIF": (saved("gif", 92), OTHER),
        "TIFF": (saved("tiff", 93), OTHER),
        "animated PNG": (moving.getvalue(), ANIMATED),
        "PNG bomb": (bomb(60_000, 60_000), LARGE),
        "long PNG": (bomb(1, 60_000), LARGE),
        "large JPEG": (plain_jpeg(14_000, 9_000), LARGE),
        "JPEG cut off": (lambda: jpeg[: random.randrange(3, len(jpeg) - 2)], DAMAGED),
        "PNG cut off": (lambda: png[: random.randrange(8, len(png) // 2)], DAMAGED),
        "PNG without pixels": (bomb(4_000, 4_000), DAMAGED),
        # It may still be a picture.
        "JPEG changed": (lambda: changed(jpeg), None),
        "PNG changed": (lambda: changed(png), None),
    }


def changed(picture):
    """A picture with one to twenty bytes of another value, behind its first eight."""
    picture = bytearray(picture)
    for _ in range(random.randrange(1, 21)):
        picture[random.randrange(8, len(picture))] = random.randrange(256)
    return bytes(picture)


def export(folder):
    """Exports a small network with random weights; returns the folder."""
    import tensorflow as tf

    from nets import ModelConfig, build_model, fold_batch_norm
    from official.export import exporter
    from official.export.module import ServingModule
    from official.run import DataConfig, RecipeConfig, RunConfig
    from official.run.export_options import ExportOptions
    from preprocessing import PreprocessingConfig

    tf.keras.utils.set_random_seed(0)
    model = ModelConfig(resnet_size=18, num_filters=16, num_classes=5)
    prepared = PreprocessingConfig(image_size=128)
    config = RunConfig(model, prepared, RecipeConfig(), DataConfig("", num_classes=5))
    scratch = pathlib.Path(folder) / "scratch"
    scratch.mkdir()
    options = ExportOptions()
    assets = exporter._write_assets(config, prepared, "model.ckpt-0", options, str(scratch))
    module = ServingModule(fold_batch_norm(build_model(model)), prepared, assets, options)
    target = f"{folder}/model/1"
    tf.saved_model.save(module, target, signatures=module.signatures())
    return target


def memory_mb(process):
    """Resident memory of a process in megabytes, now and at its peak."""
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return [int(re.search(rf"{name}:\s+(\d+) kB", text)[1]) / 1000 for name in ("VmRSS", "VmHWM")]


def soak(number, model):
    """Sends `number` bad pictures; returns whether everything was as it should be."""
    from official.serve.client import Client

    command = [sys.executable, "-m", "official.serve", f"--saved_model={model}", "--port=0"]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        address = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())[0]
        client = Client(address, retries=0)
        good = [saved("jpeg", seed) for seed in range(4)] + [saved("png", seed) for seed in (4, 5)]
        alone = [client.answers([picture]) for picture in good]
        # What the largest pictures need TensorFlow keeps, so they come first.
        for _ in range(3):
            assert not client.answers([plain_jpeg(8_000, 6_200)] * 8)["status"].any()
        bad, sent, found = bad_ones(), 0, collections.Counter()
        kinds, wrong, right, requests = sorted(bad), 0, 0, 0
        measured, start = [], time.monotonic()
        while sent < number:
            batch = [random.randrange(len(good)) for _ in range(random.randrange(4))]
            batch += [random.choice(kinds) for _ in range(random.randrange(1, 5))]
            random.shuffle(batch)
            pictures = []
            for one in batch:
                made = good[one] if isinstance(one, int) else bad[one][0]
                pictures.append(made() if callable(made) else made)
            answers = client.answers(pictures)
            requests += 1
            for place, one in enumerate(batch):
                status = int(answers["status"][place])
                if isinstance(one, int):
                    same = all(
                        np.allclose(answers[name][place], alone[one][name][0], rtol=1e-5, atol=1e-5)
                        for name in answers
                    )
                    right, wrong = right + same, wrong + (not same)
                    continue
                sent += 1
                found[one, status] += 1
                refused = answers["classes"][place] == -1 and not any(
                    answers["probabilities"][place]
                )
                wrong += status != bad[one][1] if bad[one][1] is not None else status == OTHER
                wrong += bool(status) != bool(refused)
            if sent >= number * (len(measured) + 1) / 10:
                now, peak = memory_mb(process)
                measured.append(now)
                print(
                    f"{sent:6d} bad  {right:6d} good and right  {wrong} wrong  "
                    f"memory {now:.0f} MB (peak {peak:.0f})",
                    flush=True,
                )
        seconds = time.monotonic() - start
    finally:
        process.kill()
    for (kind, status), count in sorted(found.items()):
        print(f"  {kind:20} status {status}: {count}")
    print(f"{requests} requests in {seconds:.0f} s")
    # The first fifth fills caches.
    growth = max(measured[-3:]) / min(measured[1:4])
    print(f"memory at the end: {growth:.3f} times that after the first fifth")
    return not wrong and growth < 1.05


def main():
    """Runs it; the status says whether all was well."""
    random.seed(0)
    with tempfile.TemporaryDirectory(prefix="soak-serving-") as folder:
        model = sys.argv[2] if len(sys.argv) > 2 else export(folder)
        sys.exit(0 if soak(int(sys.argv[1]), model) else 1)


if __name__ == "__main__":
    main()
