"""How a run is run, in contrast to what it is: where, on what, what is kept, how long it waits."""

import dataclasses

from official.run.recipe_checks import require
from official.run.recipe_choices import SCORES


@dataclasses.dataclass(frozen=True)
class RunOptions:
    """What may differ between the parts of one run; fields are the flags of the same names.

    Attributes:
      model_dir: Folder of the run: config.json, checkpoints, logs, scores.
      clean: Delete MODEL_DIR, if it is a run's, before training.
      num_gpus: GPUs to use; -1: all there are, 0: the CPU.
      soft_placement: Compute on the CPU where num_gpus is 1 and there is no GPU, as the original
        does; off: that is an error.
      max_train_steps: Stop after that many steps; the schedules are not shortened. 0: no limit,
        --train_epochs decides.
      epochs_between_evals: Epochs between two evaluations.
      ratio_fine_eval: From that share of --train_epochs on, evaluate after every epoch.
      original_cycles: Count in cycles of --epochs_between_evals, as the original: --ratio_fine_eval
        begins with the cycle in which it falls, --max_train_steps is the limit of each cycle.
      stop_threshold: End the training after an evaluation whose top-1 is at least that share, such
        as 0.76; default: never.
      save_checkpoints_epochs: Epochs between two checkpoints; fractions are fine.
      keep_checkpoint_max: Checkpoints kept; 0: all.
      num_best_ckpt_to_keep: Checkpoints of the best validation top-1 that stay in MODEL_DIR/best.
      keep_ckpt_every_eval: Keep each evaluated checkpoint in MODEL_DIR/periodical.
      pretrained_model_checkpoint_path: Start a new training from these weights: a checkpoint of the
        original (prefix or folder), a MODEL_DIR or checkpoint of this program, a file of Keras,
        torchvision or timm, or imagenet or keras:NAME, which are downloaded. The classifier is new
        where the number of classes differs.
      restore_trainable_only: Fine-tune as the original does: batch-norm statistics, embedding layer
        and classifier start fresh.
      restore_classifier: Take over the classifier too, if it has as many classes.
      patience: Seconds without the end of a training step, or of a batch of an evaluation, after
        which the run ends; ten times the longest step so far, where that is more. (Epochs without
        a better score: early_stopping_patience.)
      early_stopping_patience: End the training after so many evaluations that are no better than
        the best one before them; the weights stay those of the last epoch. 0: off.
      early_stopping_metric: What early stopping looks at: top1, top5, cross_entropy or ece of the
        validation; loss, top1, cross_entropy or cross_entropy_kd of the training, as train/loss.
      deterministic: Choose operations that give the same bits in every run, where TensorFlow has
        them (slower on a GPU); docs/reliability.md.
      keep_freed_memory: Keep the memory of batches for the next ones instead of giving it back to
        the system each time (glibc only): less CPU time for the input, and memory stays at its
        peak.
    """

    model_dir: str
    clean: bool = False
    num_gpus: int = -1
    soft_placement: bool = False
    max_train_steps: int = 0
    epochs_between_evals: int = 1
    ratio_fine_eval: float = 1.0
    original_cycles: bool = False
    stop_threshold: float | None = None
    save_checkpoints_epochs: float = 1.0
    keep_checkpoint_max: int = 5
    num_best_ckpt_to_keep: int = 3
    keep_ckpt_every_eval: bool = False
    pretrained_model_checkpoint_path: str = ""
    restore_trainable_only: bool = False
    restore_classifier: bool = True
    patience: float = 1800.0
    early_stopping_patience: int = 0
    early_stopping_metric: str = "top1"
    deterministic: bool = False
    keep_freed_memory: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError (flag, value, what is right) for values that nothing can run with."""
        require(self, "model_dir", bool(self.model_dir), "the name of a folder")
        require(self, "num_gpus", self.num_gpus >= -1, "at least -1")
        require(self, "ratio_fine_eval", 0 <= self.ratio_fine_eval <= 1, "in [0, 1]")
        require(self, "epochs_between_evals", self.epochs_between_evals >= 1, "at least 1")
        require(self, "patience", self.patience >= 1, "at least 1")
        known = self.early_stopping_metric in SCORES
        right = f"one of {', '.join(SCORES)}"
        require(self, "early_stopping_metric", known, right)
        for name in (
            "max_train_steps", "save_checkpoints_epochs", "keep_checkpoint_max",
            "num_best_ckpt_to_keep", "early_stopping_patience",
        ):  # fmt: skip
            require(self, name, getattr(self, name) >= 0, "at least 0")
