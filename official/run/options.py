"""How a run is run, in contrast to what it is: where, on what, what is kept, how long it waits."""

import dataclasses
from typing import Any

from official.run.recipe import require


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What may differ between the parts of one run; fields are the flags of the same names.

    Attributes:
      model_dir: the run's folder.
      clean: delete what an earlier run left there.
      num_gpus: GPUs to use; -1: all there are; 0: the CPU.
      max_train_steps: stop after that many steps, without a change of the schedules; 0: do not.
      epochs_between_evals: epochs between two evaluations.
      ratio_fine_eval: from that share of the epochs on, evaluate after each one.
      save_checkpoints_epochs: epochs between two checkpoints; fractions are fine.
      keep_checkpoint_max: newest checkpoints that are kept; 0: all.
      num_best_ckpt_to_keep: checkpoints of the best validation top-1 that stay in MODEL_DIR/best.
      keep_ckpt_every_eval: keep each evaluated checkpoint in MODEL_DIR/periodical.
      pretrained_model_checkpoint_path: where a new training's first weights come from.
      restore_trainable_only: take over no batch-norm statistics, embedding layer and classifier.
      restore_classifier: take over the classifier, if it has as many classes.
      data_service_patience: seconds without the end of a step after which the run ends, where it
        waits for a data service.
      keep_freed_memory: let malloc keep the memory of batches; see `official.run.allocator`.
    """

    model_dir: str
    clean: bool = False
    num_gpus: int = -1
    max_train_steps: int = 0
    epochs_between_evals: int = 1
    ratio_fine_eval: float = 1.0
    save_checkpoints_epochs: float = 1.0
    keep_checkpoint_max: int = 5
    num_best_ckpt_to_keep: int = 3
    keep_ckpt_every_eval: bool = False
    pretrained_model_checkpoint_path: str = ""
    restore_trainable_only: bool = False
    restore_classifier: bool = True
    data_service_patience: float = 600.0
    keep_freed_memory: bool = True

    def __post_init__(self) -> None:
        """Refuses values with which nothing can be run.

        Raises:
          ValueError: the flag, its value and what is right.
        """
        require("model_dir", self.model_dir, bool(self.model_dir), "the name of a folder")
        require("num_gpus", self.num_gpus, self.num_gpus >= -1, "at least -1")
        ratio = self.ratio_fine_eval
        require("ratio_fine_eval", ratio, 0 <= ratio <= 1, "in [0, 1]")
        between = self.epochs_between_evals
        require("epochs_between_evals", between, between >= 1, "at least 1")
        patience = self.data_service_patience
        require("data_service_patience", patience, patience >= 1, "at least 1")
        for name in (
            "max_train_steps", "save_checkpoints_epochs", "keep_checkpoint_max",
            "num_best_ckpt_to_keep",
        ):  # fmt: skip
            require(name, getattr(self, name), getattr(self, name) >= 0, "at least 0")

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as values that JSON can hold."""
        return dataclasses.asdict(self)
