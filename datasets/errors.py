"""The one exception that bad data, bad arguments and a full disk end in."""


class DatasetError(ValueError):
    """Data or an argument that cannot be used.

    The message names the value, where it came from, and what would be right, so
    that a command line can print it as its only word.
    """
