"""What a run is: its configuration, its folder, its checkpoints."""

from official.run.configuration import DataConfig, RunConfig
from official.run.errors import RunError
from official.run.options import RunOptions
from official.run.recipe import RecipeConfig

__all__ = ["DataConfig", "RecipeConfig", "RunConfig", "RunError", "RunOptions"]
