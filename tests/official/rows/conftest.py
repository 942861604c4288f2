"""What each row is trained with, as `official.train --print_config` says it."""

import functools
import json

import pytest

from official.rows import registry
from official.train import __main__ as train_command


@pytest.fixture
def resolved(call_command, capsys):
    """Resolves a flag file of scripts/, or a row by its name."""

    @functools.cache
    def call(name, *further):
        path = registry.ROOT / f"scripts/{name}.flags"
        call_command(train_command, f"--flagfile={path}", "--print_config", *further)
        return json.loads(capsys.readouterr().out)

    return call
