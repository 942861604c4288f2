"""Layers that do not learn, and the part of a network that is left to train behind them.

`--freeze` names groups of layers from `nets.groups`. Where everything up to some layer is frozen,
that trunk gives the same features for the same pixels during the whole training, so that
`official.train.features` computes them once.
"""

import tensorflow as tf

from nets.groups import groups
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig
from official.run.recipe_choices import BACKBONE, BATCH_NORM

# Where a network can be cut in two, from the image on: one tensor leads on from there.
_CUTS = ("initial_pool", "stage1", "stage2", "stage3", "stage4", "global_pool", "embedding")
NOTHING_KEPT = (
    "no features are kept, so every step goes through the whole network: they need a frozen stem, "
    "and no mixup, CutMix, DropBlock, --multi_scale, --balanced_sampling, --teacher or data service"
)


def freeze(network: tf.keras.Model, recipe: RecipeConfig) -> None:
    """Makes layers untrainable as `recipe.freeze` says.

    A frozen batch norm uses its moving statistics in training, too, and leaves them as they are.

    Raises:
      RunError: the network has no such group.
    """
    found = groups(network)
    body = [name for name in found if name != "head"]
    for name in recipe.freeze:
        if name != BATCH_NORM and name != BACKBONE and name not in body:
            raise RunError(
                f"--freeze={','.join(recipe.freeze)}: this network has no {name}; it has "
                f"{', '.join(body)}, {BACKBONE} (all of these) and {BATCH_NORM}."
            )
        for group in body if name == BACKBONE else [name] if name in body else []:
            for layer in found[group]:
                layer.trainable = False
        if name == BATCH_NORM:
            for layer in network.submodules:
                if isinstance(layer, tf.keras.layers.BatchNormalization):
                    layer.trainable = False


def check(recipe: RecipeConfig, options: RunOptions, begun: bool) -> None:
    """Looks whether the frozen layers have weights; `begun`: the run has those of a checkpoint.

    Raises:
      RunError: they would stay as they are drawn.
    """
    if not recipe.freeze or begun:
        return
    what = f"--freeze={','.join(recipe.freeze)} keeps layers as they are, "
    if not options.pretrained_model_checkpoint_path:
        raise RunError(
            f"{what}and without --pretrained they are random: give --pretrained=imagenet, a "
            "MODEL_DIR, or a file of weights, or leave --freeze out."
        )
    if options.restore_trainable_only:
        raise RunError(
            f"{what}and --restore_trainable_only would leave them random: leave one of them out."
        )


def split(network: tf.keras.Model) -> tuple[tf.keras.Model, tf.keras.Model] | None:
    """Returns a frozen trunk and what is left, as two models that share the network's layers.

    `tail(trunk(images))` is `network(images)`. The trunk is as long as it can be without a weight
    that learns.

    Returns:
      (trunk, tail): from images [N, H, W, 3] to a map [N, h, w, C] or vectors [N, D], and from
      these to logits, float32 [N, C]; None where not even the stem is frozen.
    """
    names = {layer.name for layer in network.layers}
    found = None
    for name in filter(names.__contains__, _CUTS):
        cut = network.get_layer(name).output
        trunk = tf.keras.Model(network.input, cut, name="trunk")
        if trunk.trainable_variables:
            break
        found = trunk, cut
    if found is None:
        return None
    trunk, cut = found
    return trunk, tf.keras.Model(cut, network.output, name="tail")


def keeps_features(config: RunConfig) -> bool:
    """Whether the features of a frozen trunk can be kept: the same few crops come again and again.

    Mixed images, drawn sizes and DropBlock make others each time, and a data service sends images.
    """
    recipe = config.recipe
    return bool(
        recipe.freeze
        and recipe.repeat_crops
        and not recipe.mixing.active
        and not recipe.balanced_sampling
        and not config.model.use_dropblock
        and not config.preprocessing.multi_scale
        and not config.data.data_service
        and not recipe.teacher
        and not recipe.augmix_consistency
    )
