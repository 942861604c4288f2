"""A small exported model, in a folder whose name has blanks and brackets."""

import pytest

from official.export import exporter, serving


@pytest.fixture(scope="session")
def exported(model_dir, tmp_path_factory) -> str:
    return exporter.export(model_dir, str(tmp_path_factory.mktemp("served") / "my models [1]"))


@pytest.fixture(scope="session")
def served(exported) -> serving.Served:
    return serving.Served(exported)
