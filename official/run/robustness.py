"""How robustness is scored: which corruptions, and how their images are made."""

import dataclasses

from official.run.recipe_checks import require
from preprocessing import CORRUPTIONS
from preprocessing.corruptions.parameters import PARAMETERS, STANDARD
from preprocessing.corruptions.perturbations import PERTURBATIONS, PERTURBATIONS_EXTRA

KINDS = ("c", "p")
# Names that stand for several.
_CORRUPTIONS = {"all": CORRUPTIONS, "standard": STANDARD}
_PERTURBATIONS = {"all": (*PERTURBATIONS, *PERTURBATIONS_EXTRA), "standard": PERTURBATIONS}


@dataclasses.dataclass(frozen=True)
class RobustnessOptions:
    """How corrupted images are made or found.

    Attributes:
      corruptions: Which corruptions, such as fog,snow; `standard` are the 15 of ImageNet-C, `all`
        also the 4 for validation.
      perturbations: Which sequences of ImageNet-P, such as tilt,scale; `standard` are the 10 of
        mFR, `all` also the 4 for validation.
      severities: Which severities, of 1 to 5; mCE needs all of them.
      corruption_size: Side in pixels of the images; 0: what the run evaluates at. The published
        ImageNet-C has 224.
      corruption_jpeg: Quality of the JPEG that the corrupted image goes through, as in the
        published sets; 0: none.
      corruption_parameters: Strengths for photos (imagenet) or for pictures of 32 pixels (cifar).
      corruption_seed: Seed of all that is random in the corruptions.
      corrupted_dir: Folder of corrupted images, CORRUPTION/SEVERITY/CLASS/*.JPEG as published, or
        TFRecords as `python -m official.corrupt` writes them; default: they are made of the
        records while they are scored.
      resize_corrupted: Squeeze images of corrupted_dir to the size wanted; else others are refused.
      num_workers: Processes that corrupt; 0: one for each processor, as memory allows.
    """

    corruptions: tuple[str, ...] = ("all",)
    perturbations: tuple[str, ...] = ("all",)
    severities: tuple[int, ...] = (1, 2, 3, 4, 5)
    corruption_size: int = 0
    corruption_jpeg: int = 85
    corruption_parameters: str = "imagenet"
    corruption_seed: int = 0
    corrupted_dir: str = ""
    resize_corrupted: bool = False
    num_workers: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError (flag, value, what is right) for what cannot be made."""
        for field, sets in (("corruptions", _CORRUPTIONS), ("perturbations", _PERTURBATIONS)):
            known, given = [*sets, *sets["all"]], getattr(self, field)
            good = bool(given) and set(given) <= set(known)
            require(self, field, good, f"names out of {', '.join(known)}")
        good = bool(self.severities) and set(self.severities) <= {1, 2, 3, 4, 5}
        require(self, "severities", good, "numbers out of 1, 2, 3, 4, 5")
        good = self.corruption_size == 0 or self.corruption_size >= 8
        require(self, "corruption_size", good, "at least 8 pixels, or 0")
        require(self, "corruption_jpeg", 0 <= self.corruption_jpeg <= 95, "from 1 to 95, or 0")
        known = list(PARAMETERS)
        good = self.corruption_parameters in known
        require(self, "corruption_parameters", good, f"one of {known}")
        require(self, "corruption_seed", self.corruption_seed >= 0, "at least 0")
        require(self, "num_workers", self.num_workers >= 0, "at least 0")

    @property
    def names(self) -> tuple[str, ...]:
        """The corruptions one by one, in the order of the paper."""
        return _each(self.corruptions, _CORRUPTIONS)

    @property
    def sequences(self) -> tuple[str, ...]:
        """The perturbations one by one, in the order of the paper."""
        return _each(self.perturbations, _PERTURBATIONS)


def _each(given: tuple[str, ...], sets: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Returns the names that were given, one by one, in the order of the paper."""
    wanted = {one for name in given for one in sets.get(name, (name,))}
    return tuple(name for name in sets["all"] if name in wanted)
