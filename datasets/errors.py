"""The one exception that bad data, bad arguments and a full disk end in."""


class DatasetError(ValueError):
    """The message names the value, where it came from, and what would be right."""
