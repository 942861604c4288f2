"""The assembly: from a `ModelConfig` to a Keras model that knows what it was built from.

Lee et al., "Compounding the Performance Improvements of Assembled Techniques in a Convolutional
Neural Network" (arXiv:2001.06268), section 3.
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Iterator, Sequence
from typing import Any

import tensorflow as tf

from nets import head, resnet
from nets.builder import LayerBuilder
from nets.config import ModelConfig
from nets.folded import FoldedBuilder
from nets.layers import PACKAGE
from nets.layers.drop_block import CONTROL_NAME, DropBlockControl
from nets.names import root_of
from nets.registry import named_config

# Names of the layers whose outputs `endpoints` gives.
_ENDPOINTS = (
    "initial_conv",
    "initial_pool",
    *(f"stage{number}{branch}" for number in range(1, 5) for branch in (".big", ".little", "")),
    "global_pool",
    "embedding",
)
_POOLS = {
    "avg": tf.keras.layers.GlobalAveragePooling2D,
    "max": tf.keras.layers.GlobalMaxPooling2D,
}


@tf.keras.saving.register_keras_serializable(package=PACKAGE)
class Network(tf.keras.Model):
    """A functional Keras model of one of the networks here, from mean-subtracted images to logits.

    `nets.endpoints` gives its features. Its configuration for files is its `ModelConfig` and the
    arguments below, from which loading builds it anew, layer by layer under the same names.

    Attributes:
        config: What it was built from.
        names: Namer of its layers, which has their names in the order in which they were made.
    """

    def __init__(
        self,
        config: ModelConfig,
        input_shape: Sequence[int | None] = (None, None, 3),
        *,
        include_top: bool = True,
        pooling: str | None = None,
        classifier_activation: str | None = None,
        folded: bool = False,
        name: str | None = None,
        dtype: str | tf.keras.mixed_precision.Policy | None = None,
    ) -> None:
        """Builds the network.

        Args:
            config: What to build.
            input_shape: Height, width (None: any) and channels of the images.
            include_top: Whether pooling, embedding and classifier follow stage 4.
            pooling: Without them: None for the map of stage 4, [N, h, w, C]; "avg" or "max" for
                its mean or maximum, float32 [N, C].
            classifier_activation: Name of the activation behind the logits; None: logits.
            folded: Batch norms are folded into their convolutions; see `nets.fold_batch_norm`.
            name: Of the model; None: the scope of the original's variables.
            dtype: Precision policy, or its name; None: the global policy. Softmaxes, batch
                statistics, pooling and the classifier are float32 under any.

        Raises:
            TypeError: `config` is no `ModelConfig`.
            ValueError: An argument is impossible, or `pool_type="flatten"` without a fixed input
                shape.
        """
        _check(config, include_top, pooling, classifier_activation)
        with _policy(dtype) as policy:
            images = tf.keras.Input(tuple(input_shape), name="images")
            control = None
            if config.use_dropblock:
                layer = DropBlockControl(config.seed, config.dropblock_keep_prob, name=CONTROL_NAME)
                control = layer(images)
            build = (FoldedBuilder if folded else LayerBuilder)(config, control=control)
            x = resnet.features(images, build)
            if include_top:
                x = head.classify(head.embed(x, config), config)
                if classifier_activation is not None:
                    names = {"name": "predictions", "dtype": "float32"}
                    x = tf.keras.layers.Activation(classifier_activation, **names)(x)
            elif pooling is not None:
                x = _POOLS[pooling](name="global_pool", dtype="float32")(x)
        super().__init__(images, x, name=name or root_of(config.architecture))
        self.config = config
        self.names = build.names
        # No dictionary: Keras would track it.
        self._built_with = types.SimpleNamespace(
            include_top=include_top,
            pooling=pooling,
            classifier_activation=classifier_activation,
            folded=folded,
            dtype=policy.name,
        )

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` needs, as JSON can hold it."""
        return {
            "name": self.name,
            "config": self.config.to_dict(),
            "input_shape": list(self.input_shape[1:]),
            **vars(self._built_with),
            "frozen": [layer.name for layer in self.layers if not layer.trainable],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Network:
        """Builds the network that `get_config` described; its weights are fresh.

        The same layers are not trainable. `custom_objects` is Keras'; no layer here needs any.
        """
        values = dict(config)
        frozen = values.pop("frozen", ())
        network = cls(ModelConfig.from_dict(values.pop("config")), **values)
        for name in frozen:
            network.get_layer(name).trainable = False
        return network


# A whole model in HDF5 and `model.to_json()` name the class without its package.
tf.keras.utils.get_custom_objects()[Network.__name__] = Network


def build_model(
    config: ModelConfig | str, input_shape: tuple[int | None, int | None, int] = (None, None, 3)
) -> Network:
    """Builds the network that a configuration describes, as `Network` does, or a name.

    From images [N, H, W, 3], mean-subtracted, to float32 logits [N, num_classes]. A name is one of
    `NAMED_MODELS`, with ImageNet's 1001 classes.

    Raises:
        ValueError: There is no network of that name.
    """
    if isinstance(config, str):
        config = named_config(config)
    return Network(config, input_shape)


def endpoints(model: tf.keras.Model) -> tf.keras.Model:
    """Makes the model that gives the features at each stage; it shares the weights.

    Args:
        model: A model that `build_model` made, or a loaded copy of one.

    Returns:
        A functional model from images to a dictionary: `initial_conv` (before its batch norm),
        `initial_pool`, `stage1` to `stage4` (Big-Little also `stage1.big`, `stage1.little`, ...) as
        maps [N, H, W, C]; `global_pool`, `embedding` and `logits` as float32 [N, D]. Names that the
        network has not are left out.
    """
    layers = {layer.name: layer for layer in model.layers}
    outputs = {name: layers[name].output for name in _ENDPOINTS if name in layers}
    if "dense" in layers:
        outputs["logits"] = layers["dense"].output
    return tf.keras.Model(model.input, outputs, name=model.name)


def _check(
    config: ModelConfig, include_top: bool, pooling: str | None, activation: str | None
) -> None:
    """Refuses arguments that are impossible, alone or together."""
    if not isinstance(config, ModelConfig):
        raise TypeError(
            f"a network is built from a nets.ModelConfig, not from {config!r}; "
            "nets.named_config(name) gives that of a network with a name"
        )
    if pooling is not None and pooling not in _POOLS:
        raise ValueError(f"pooling={pooling!r} must be None, 'avg' or 'max'")
    if include_top and pooling is not None:
        raise ValueError(
            f"pooling={pooling!r} needs include_top=False; with the classifier it is pool_type, "
            "a field of the configuration"
        )
    if activation is not None and not isinstance(activation, str):
        raise ValueError(f"classifier_activation={activation!r} must be a name or None")
    if not include_top and activation is not None:
        raise ValueError(f"classifier_activation={activation!r} needs include_top=True")


@contextlib.contextmanager
def _policy(
    dtype: str | tf.keras.mixed_precision.Policy | None,
) -> Iterator[tf.keras.mixed_precision.Policy]:
    """The precision policy of the layers that are made inside; gives the policy."""
    before = tf.keras.mixed_precision.global_policy()
    if dtype is None:
        yield before
        return
    tf.keras.mixed_precision.set_global_policy(dtype)
    try:
        yield tf.keras.mixed_precision.global_policy()
    finally:
        tf.keras.mixed_precision.set_global_policy(before)
