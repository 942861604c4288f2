"""A network with weights in one call, for Python."""

import os
import sys
from typing import Any

from nets import Network
from official.checkpoints import choosing, downloads, from_run, pretrained, sources
from official.run import devices
from official.run.errors import RunError
from preprocessing import PreprocessingConfig


def load_network(
    name: str = "",
    weights: str | os.PathLike[str] = downloads.IMAGENET,
    *,
    classes: int = 0,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
    **fields: Any,
) -> Network:
    """Returns a network with weights of Keras, torchvision, timm or the original.

        network = official.load_network("resnet50_keras", weights="imagenet")
        x = preprocessing.eval_image(encoded, network.preprocessing)
        logits = network(x[tf.newaxis])

    Args:
      name: of the network (`nets.NAMED_MODELS`); empty: the one that the weights show.
      weights: `imagenet` or `keras:NAME`, which are downloaded once; or a path, as
        `official.import_checkpoint --checkpoint` takes it.
      classes: width of the classifier, whose weights are new if it is not that of the weights;
        0: theirs.
      input_shape: height, width (None: any) and channels of the images.
      **fields: of `nets.ModelConfig` that shall differ.

    Returns:
      The float32 network, with an attribute `preprocessing`: the `PreprocessingConfig` with which
      images are prepared for it.

    Raises:
      RunError: the weights cannot be had, or are of another network.
      ValueError: an unknown name, or an impossible field.
    """
    path = os.fspath(weights)
    if path == downloads.IMAGENET and name:
        path = downloads.keras_name(name)
    run = None if sources.is_foreign(path) else from_run.model_dir_of(path)
    if run:
        raise RunError(f"{path} is of a run of this program: official.load({run!r}) loads it.")
    source = sources.read(path)
    found = next((s[-1] for n, s in source.shapes.items() if n.endswith("/dense/kernel")), 0)
    if not classes and not found:
        raise RunError(f"{path} has no classifier: give `classes`.")
    config, _ = choosing.network_of(source, name, fields, classes or found)
    prepared, _ = choosing.preprocessing_fields(source, config, name, {})
    with devices.precision("fp32"):
        network = Network(config, input_shape, name=name or None)
    restored = pretrained.restore(network, config, pretrained.of_weights(source))
    if restored.fresh:
        print(restored.describe(), file=sys.stderr)
    network.preprocessing = PreprocessingConfig(**prepared)
    return network
