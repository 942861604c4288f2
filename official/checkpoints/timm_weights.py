"""ResNets of torchvision and timm, whose state dictionaries have the same names, in our order.

They differ from the original's in the first max-pool (padded on every side), timm's ResNet-D in
its shortcuts, SE in the biases of its gates, and all in their input: divided by 255, less the mean,
divided by the deviation.
"""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from nets import published
from official.checkpoints.foreign import ForeignWeights, Parts, Unit, dense_layer, translate
from official.run import files
from official.run.errors import RunError

Tensors = dict[str, np.ndarray]
_EPSILON = 1e-5
_IMAGENET_STD = (0.229, 0.224, 0.225)
# Where a training script puts the weights; averaged ones first.
_AVERAGED = ("state_dict_ema", "model_ema")
_WRAPPED = ("state_dict", "model", *_AVERAGED)
_SUPPORTED = re.compile(r"(se|eca)?resnet(blur)?(18|34|50|101|152|200)[cd]?")
_CAN_BE_READ = (
    "resnet18 to 152 of torchvision and timm, timm's resnet*d (also 200d), seresnet*, ecaresnet*d "
    "and resnetblur* can be read"
)


def read(path: str, content: Mapping[str, Any], averages: bool = False) -> ForeignWeights:
    """Returns the weights of a ResNet of torchvision or timm under the original's names.

    Args:
      path: the file, for messages; a `config.json` beside it, as timm's pages have it, is read.
      content: the state dictionary, or what a training script wrapped around it.
      averages: take the moving averages that a training script wrote beside the weights.

    Raises:
      RunError: another network, or tensors that have no counterpart; the message names them.
    """
    tensors = _unwrapped(path, content, averages)
    hub = _hub_config(path)
    name = hub.get("architecture") or content.get("arch") or ""
    blurred = _check_name(path, str(name))
    pairs = list(_pairs(path, tensors))
    gates, gate_names = _gates(tensors)
    dense = {
        key.removesuffix(".weight"): [value.T, *_bias(tensors, key)]
        for key, value in tensors.items()
        if value.ndim == 2
    }
    known = {key for pair in pairs for layer in pair for key in _of(tensors, layer)}
    known |= gate_names | {key for layer in dense for key in _of(tensors, layer)}
    left = [key for key in tensors if key not in known]
    if left:
        raise RunError(
            f"{path}: {', '.join(left[:4])}{' and more' if len(left) > 4 else ''} have no "
            f"counterpart here. {_CAN_BE_READ}."
        )
    fields = dict(published.TIMM)
    if any(".downsample.1." in key and value.ndim == 4 for key, value in tensors.items()):
        fields.update(use_resnet_d=True, shortcut_pool="strided")
    elif "conv1.0.weight" in tensors:
        fields.update(use_resnet_d=False, stem_type="deep")
    if blurred:
        fields.update(anti_alias_type="max,sconv", anti_alias_filter_size=3)
    preprocessing, deviation = _conventions(hub)
    remarks = []
    if not name and not blurred:
        remarks.append(
            "taken to have no anti-aliasing, which no weight shows: of a resnetblur give "
            "--anti_alias_type=max,sconv --anti_alias_filter_size=3, or put timm's config.json "
            "beside the file"
        )
    parts = Parts(
        units=[_unit(path, tensors, *pair) for pair in pairs],
        gates=gates,
        classifier=dense_layer(path, dense),
        fields=fields,
        epsilon=_EPSILON,
        input_scale=[1 / (255 * value) for value in deviation],
        preprocessing=preprocessing,
        usual_preprocessing=dict(published.TORCH_INPUT),
        remarks=remarks,
    )
    return translate(path, "torchvision or timm", parts)


def _unwrapped(path: str, content: Mapping[str, Any], averages: bool) -> Tensors:
    """The tensors of the network, without what training scripts put around them and their names."""
    holders = [key for key in _WRAPPED if isinstance(content.get(key), Mapping)]
    averaged = [key for key in holders if key in _AVERAGED]
    if averages and not averaged:
        raise RunError(f"--use_moving_averages: {path} holds no moving averages.")
    if holders:
        content = content[averaged[0] if averages else holders[0]]
    tensors = {
        key: value
        for key, value in content.items()
        if isinstance(value, np.ndarray) and not key.endswith("num_batches_tracked")
    }
    stem = next((k for k in tensors if re.fullmatch(r"(.*\.)?conv1\.(0\.)?weight", k)), "conv1.")
    before = stem[: stem.index("conv1.")]
    if "layer" in before:
        before = ""
    return {key.removeprefix(before): value for key, value in tensors.items()}


def _hub_config(path: str) -> dict[str, Any]:
    """What the config.json beside a file of timm says; empty where there is none."""
    beside = os.path.join(os.path.dirname(path), "config.json")
    try:
        config = files.read_json(beside) if tf.io.gfile.exists(beside) else {}
    except ValueError as error:
        raise RunError(f"{beside} beside {path} cannot be read as JSON: {error}.") from error
    return config if isinstance(config, dict) and "architecture" in config else {}


def _check_name(path: str, name: str) -> bool:
    """Whether the network is blurred; raises RunError for names without a counterpart."""
    if name:
        base = name.split(".")[0]
        if not _SUPPORTED.fullmatch(base):
            raise RunError(f"{path} is a {base}, which has no counterpart here. {_CAN_BE_READ}.")
        return "blur" in base
    # A file's name counts where it says what no weight shows.
    named = os.path.basename(path)
    if "resnetaa" in named:
        raise RunError(
            f"{path} is by its name a resnetaa, which averages where networks here blur. "
            f"{_CAN_BE_READ}."
        )
    return "resnetblur" in named


def _conventions(hub: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[float, ...]]:
    """Preprocessing and deviation of the channels, from timm's config.json if there is one."""
    known = {**hub, **hub.get("pretrained_cfg", {})}
    if not {"mean", "std", "crop_pct", "interpolation", "input_size"} <= set(known):
        return {}, _IMAGENET_STD
    size = int(known["input_size"][-1])
    interpolation = str(known["interpolation"])
    preprocessing = {
        "channel_means": tuple(round(255 * float(mean), 6) for mean in known["mean"]),
        "crop_share": float(known["crop_pct"]),
        "interpolation": interpolation if interpolation in ("bilinear", "bicubic") else "bicubic",
        "preprocessing_type": f"imagenet_{size}",
    }
    return preprocessing, tuple(map(float, known["std"]))


def _of(tensors: Tensors, layer: str) -> list[str]:
    """The names of a layer's tensors."""
    leaves = ("weight", "bias", "running_mean", "running_var")
    return [f"{layer}.{leaf}" for leaf in leaves if f"{layer}.{leaf}" in tensors]


def _bias(tensors: Tensors, weight: str) -> list[np.ndarray]:
    """The bias that belongs to a weight, if there is one."""
    name = weight.removesuffix("weight") + "bias"
    return [tensors[name]] if name in tensors else []


def _pairs(path: str, tensors: Tensors) -> Iterator[tuple[str, str]]:
    """Convolution and batch norm by name, in our order; raises RunError for another network."""
    _check_design(path, tensors)
    if "conv1.0.weight" in tensors:
        yield from (("conv1.0", "conv1.1"), ("conv1.3", "conv1.4"), ("conv1.6", "bn1"))
    else:
        yield "conv1", "bn1"
    found = (re.match(r"layer([1-4])\.(\d+)\.", key) for key in tensors)
    for stage, block in sorted({(int(m[1]), int(m[2])) for m in found if m}):
        scope = f"layer{stage}.{block}."
        for number in (0, 1):  # In ResNet-D an average without weights is number 0.
            shortcut = tensors.get(f"{scope}downsample.{number}.weight")
            if shortcut is not None and shortcut.ndim == 4:
                yield f"{scope}downsample.{number}", f"{scope}downsample.{number + 1}"
        for number in (1, 2, 3):
            if f"{scope}conv{number}.weight" in tensors:
                yield f"{scope}conv{number}", f"{scope}bn{number}"


def _check_design(path: str, tensors: Tensors) -> None:
    """Refuses networks without a counterpart, and says what they are."""
    design = ""
    second = tensors.get("layer1.0.conv2.weight")
    first = tensors.get("layer1.0.conv1.weight")
    if any(".paths." in key or ".attn." in key for key in tensors):
        design = "timm's skresnet, which splits its input channels between two kernels"
    elif any(key.startswith("layer0.") for key in tensors):
        design = "a network of timm's legacy_se family, which has its strides elsewhere"
    elif not {"conv1.weight", "conv1.0.weight"} & set(tensors) or first is None:
        names = ", ".join(list(tensors)[:5]) or "no tensors"
        design = f"no ResNet with torchvision's or timm's names (it has {names})"
    elif "bn1.running_mean" not in tensors:
        design = "a network without batch statistics (group norm)"
    elif second is not None and second.shape[1] != first.shape[0]:
        design = "a network of grouped convolutions (ResNeXt)"
    elif "layer1.0.conv3.weight" in tensors and second.shape[0] != tensors["bn1.bias"].shape[0]:
        design = f"a wide ResNet, whose first block has {second.shape[0]} channels"
    if design:
        raise RunError(f"{path} is {design}: it has no counterpart here. {_CAN_BE_READ}.")


def _gates(tensors: Tensors) -> tuple[list[dict[str, np.ndarray]], set[str]]:
    """Attention of each block, by the names of our gates' variables, and the tensors it is of."""
    gates, names = [], set()
    found = (re.match(r"(layer([1-4])\.(\d+)\.se\.)(conv|fc1)\.weight", key) for key in tensors)
    for match in sorted((m for m in found if m), key=lambda m: (int(m[2]), int(m[3]))):
        scope = match[1]
        if match[4] == "conv":
            kernel = tensors[f"{scope}conv.weight"]
            gates.append({"eca_block/ecablock_conv/kernel": kernel.transpose(2, 1, 0)})
            names.add(f"{scope}conv.weight")
            continue
        gate = {}
        for number in (1, 2):
            layer = f"{scope}fc{number}"
            inner = f"se_block/seblock_dense_{number}"
            gate[f"{inner}/kernel"] = tensors[f"{layer}.weight"].transpose(2, 3, 1, 0)
            for bias in _bias(tensors, f"{layer}.weight"):
                gate[f"{inner}/bias"] = bias
            names.update(_of(tensors, layer))
        gates.append(gate)
    return gates, names


def _unit(path: str, tensors: Tensors, conv: str, norm: str) -> Unit:
    """A convolution with its batch norm."""
    wanted = [f"{norm}.{leaf}" for leaf in ("weight", "bias", "running_mean", "running_var")]
    missing = [key for key in (f"{conv}.weight", *wanted) if key not in tensors]
    if missing:
        raise RunError(f"{path} lacks {', '.join(missing)}. {_CAN_BE_READ}.")
    bias = _bias(tensors, f"{conv}.weight")
    kernel = tensors[f"{conv}.weight"].transpose(2, 3, 1, 0)
    return Unit(kernel, bias[0] if bias else None, *(tensors[key] for key in wanted))
