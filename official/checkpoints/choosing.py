"""Which network weights belong to, and how images are prepared for them."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from nets import NAMED_MODELS, ModelConfig, named_config
from official.checkpoints import infer_model, model_flags
from official.checkpoints.sources import Weights
from official.run.configuration import RunConfig
from official.run.errors import RunError
from preprocessing import PreprocessingConfig


def network_of(
    weights: Weights, name: str, given: dict[str, Any], classes: int
) -> tuple[ModelConfig, list[str]]:
    """Returns the network called `name`, or else the one that the variables show; and remarks.

    Fields of `ModelConfig` that are `given` win.

    Raises:
      RunError or ValueError: no such network, or one that differs from the weights' in what no
        variable shows; fields that contradict each other.
    """
    if not name:
        return infer_network(weights, given, classes)
    known = {k: v for k, v in weights.network.items() if k == "bn_epsilon"}
    config = named_config(name, **{**known, **given, "num_classes": classes})
    wrong = [
        f"{field}={getattr(config, field)!r}, not {value!r}"
        for field, value in weights.network.items()
        if getattr(config, field) != value and field not in given
    ]
    if wrong:
        inferred = {**infer_model.infer(weights.shapes).fields, **weights.network}
        fitting = model_flags.named_models_with(inferred, but=("num_classes", "bn_epsilon"))
        right = " or ".join(f"--model={other}" for other in fitting) or "no --model"
        raise RunError(
            f"{weights.prefix} is of {weights.origin}, whose networks differ from {name} in what "
            f"no weight shows ({', '.join(wrong)}): give {right}."
        )
    return config, list(weights.remarks)


def infer_network(
    weights: Weights, given: dict[str, Any], classes: int
) -> tuple[ModelConfig, list[str]]:
    """Returns the network that the variables show, and what was seen and assumed.

    Fields of `ModelConfig` that are `given` win over what is seen.

    Raises:
      RunError or ValueError: variables of no known network, or fields that contradict each other.
    """
    inferred = infer_model.infer(weights.shapes)
    assumed = {k: v for k, v in inferred.assumed.items() if k not in given}
    if "anti_alias_type" in given:
        assumed = {}
    known = dict(weights.network)
    if "anti_alias_type" in given:
        known.pop("anti_alias_filter_size", None)
    fields = {**inferred.fields, **assumed, **known, **given, "num_classes": classes}
    config = ModelConfig.from_dict(fields)
    remarks = ["seen in the variables: " + model_flags.needed_flags(inferred.fields)]
    remarks += [f"  {field}: {reason}" for field, reason in inferred.reasons.items()]
    remarks.append("cannot be seen in variables; give the flags if these are wrong:")
    for field, meaning in infer_model.UNSEEN.items():
        if field in inferred.fields and field != "use_resnet_d":
            continue
        if field == "shortcut_pool" and not config.use_resnet_d:
            continue
        origin = "default"
        if field in given:
            origin = "given"
        elif field in known:
            origin = f"as in networks of {weights.origin}"
        elif field in assumed:
            origin = "assumed, as in the paper's networks with BigLittle and selective kernels"
        elif field in inferred.fields:
            origin = "from the stem"
        remarks.append(f"  --{field}={getattr(config, field)!r} ({origin}): {meaning}")
    remarks += weights.remarks
    names = model_flags.named_models_with(
        {**inferred.fields, **known}, but=("num_classes", "bn_epsilon")
    )
    if names:
        remarks.append(f"named networks with these variables: {', '.join(names)} (--model=NAME)")
    return config, remarks


def start_from(
    config: RunConfig,
    weights: Weights,
    name: str,
    given: dict[str, Any],
    given_preprocessing: Mapping[str, Any],
) -> tuple[RunConfig, list[str]]:
    """Returns a training that starts from weights of others: their network and images; and remarks.

    What is given wins. The number of classes is that of `config`.

    Raises:
      RunError or ValueError: see `network_of`.
    """
    model, _ = network_of(weights, name, given, config.model.num_classes)
    model = dataclasses.replace(model, final_bias=config.model.final_bias)
    fields, origin = preprocessing_fields(weights, model, name, given_preprocessing)
    prepared = dataclasses.replace(config.preprocessing, **fields)
    flags = model_flags.needed_flags(
        {field: value for field, value in vars(model).items() if field != "final_bias"}
    )
    remarks = [
        f"network of {weights.prefix} ({weights.origin}): {flags}",
        *weights.remarks,
        f"images: {describe_images(prepared)} ({origin})",
    ]
    return dataclasses.replace(config, model=model, preprocessing=prepared), remarks


def preprocessing_fields(
    weights: Weights, config: ModelConfig, name: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Returns how images are prepared for a network with these weights, and where that is from.

    Fields of `PreprocessingConfig` that are `given` win; then those that came with the weights,
    then those of the network called `name`, if it has a name, then those that are usual.
    """
    size_given = {"preprocessing_type", "image_size"} & set(given)
    fields, origin = dict(weights.usual_preprocessing), f"as usual for {weights.origin}"
    if name in NAMED_MODELS:
        variant = NAMED_MODELS[name]
        fields = {"preprocessing_type": variant.preprocessing_type, **variant.input_conventions}
        origin = f"as {name} is evaluated"
    elif not fields and config.big_little and config.use_sk_block:
        kind = "imagenet_224_256a" if config.resnet_size == 152 else "imagenet_224_256"
        fields, origin = {"preprocessing_type": kind}, "as the paper evaluates this network"
    if weights.preprocessing:
        fields, origin = {**fields, **weights.preprocessing}, "as config.json beside it says"
    if size_given:
        fields.pop("preprocessing_type", None)
    fields.update(given)
    return fields, origin


def describe_images(config: PreprocessingConfig) -> str:
    """Returns how an image is prepared for evaluation, in a few words."""
    side = f"{config.eval_size} x {config.eval_size}"
    if config.family == "inception":
        return f"{side} of values from 0 to 1"
    means = ", ".join(f"{mean:g}" for mean in config.channel_means)
    crop = f"cut from a shorter side of {config.eval_shorter_side}, {config.interpolation}, "
    return f"{side}, {crop if config.family == 'imagenet' else ''}less {means}"
