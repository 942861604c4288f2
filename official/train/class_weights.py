"""A weight for each class in the classification loss."""

import numpy as np

from datasets.records import reader
from official.input import labels
from official.run.classes import names_or_numbers
from official.run.configuration import RunConfig
from official.run.errors import RunError
from official.run.recipe_choices import BALANCED


def weights(config: RunConfig, split: reader.Split) -> tuple[float, ...]:
    """Returns a weight for each class, or () where none are wanted.

    `balanced` is records / (classes that have some * records of the class), so that the mean over
    all records is 1; a class without records has 1.

    Raises:
      RunError: a name that no class has.
    """
    recipe, names = config.recipe, names_or_numbers(config)
    if recipe.class_weights == (BALANCED,):
        classes = labels.read(config.data, split)
        counts = np.bincount(classes[classes >= 0], minlength=len(names))
        even = counts.sum() / max(1, np.count_nonzero(counts))
        return tuple(float(even / count) if count else 1.0 for count in counts)
    wanted = recipe.weight_of_class
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise RunError(
            f"--class_weights: there is no class {', '.join(unknown)} in {config.data.data_dir}. "
            f"The classes are {', '.join(names[:20])}{', ...' if names[20:] else ''}."
        )
    return tuple(wanted.get(name, 1.0) for name in names) if wanted else ()
