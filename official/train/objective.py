"""What a training minimises: terms of the loss, and their weights."""

from collections.abc import Sequence

import tensorflow as tf

from official.run.recipe import RecipeConfig
from official.train import losses, weight_decay

# The kind of logits (`ModelConfig.logit_type`) that have a margin in the loss.
ARC_MARGIN = "arc_margin"
# Every term there may be.
TERMS = ("cross_entropy", "cross_entropy_kd", "kl_kd", "jensen_shannon", "l2_loss")


class Objective:
    """The loss of a recipe for one network.

    Attributes:
      names: its terms; those of `TERMS` that the recipe has.
    """

    def __init__(
        self, network: tf.keras.Model, recipe: RecipeConfig, class_weights: Sequence[float] = ()
    ):
        """Takes what is trained; `class_weights` are as `losses` has them."""
        self._recipe = recipe
        self._class_weights = tuple(class_weights)
        self._decayed = []
        config = getattr(network, "config", None)
        # The scale of the cosines that have a margin; 0: there is none.
        self._arc_scale = config.arc_s if getattr(config, "logit_type", "") == ARC_MARGIN else 0.0
        names = ["cross_entropy"]
        if recipe.decay_type == "l2":
            self._decayed = weight_decay.decayed_variables(network, recipe.decay_biases)
            names.append("l2_loss")
        self._weights = {}
        self._taught = ""
        if recipe.kd_temp > 0:
            self._taught = "cross_entropy_kd" if recipe.kd_alpha is None else "kl_kd"
            names.append(self._taught)
        if recipe.kd_alpha is not None:
            self._weights = {"cross_entropy": recipe.kd_alpha, "kl_kd": 1.0 - recipe.kd_alpha}
        if recipe.augmix_consistency:
            self._weights["jensen_shannon"] = recipe.augmix_consistency
            names.append("jensen_shannon")
        self.names = tuple(names)

    def terms(
        self,
        logits: tf.Tensor,
        targets: dict[str, tf.Tensor],
        views: Sequence[tf.Tensor] = (),
    ) -> dict[str, tf.Tensor]:
        """Returns the terms, float32 scalars, by name.

        Args:
          logits: [N, C].
          targets: `labels` float32 [N, C] and, with distillation, `teacher` float32 [N, C].
          views: logits of other views of the same images, each [N, C]; for AugMix's consistency.
        """
        recipe = self._recipe
        logits = classified = tf.cast(logits, tf.float32)
        if self._arc_scale:
            classified = losses.with_margin(
                logits, targets["labels"], recipe.arc_m, self._arc_scale
            )
        found = {
            "cross_entropy": losses.classification_loss(
                classified,
                targets["labels"],
                recipe.label_smoothing,
                recipe.cls_loss_type,
                self._class_weights,
            )
        }
        if "l2_loss" in self.names:
            found["l2_loss"] = losses.weight_decay_loss(self._decayed, recipe.weight_decay)
        if self._taught:
            found[self._taught] = losses.distillation_loss(
                logits, targets["teacher"], recipe.kd_temp, divergence=self._taught == "kl_kd"
            )
        if "jensen_shannon" in self.names:
            found["jensen_shannon"] = losses.jensen_shannon([logits, *views])
        return found

    def total(self, terms: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns what is minimised, float32 scalar: the sum of the terms, by their weights."""
        return tf.add_n([self._weights.get(name, 1.0) * term for name, term in terms.items()])
