"""Both libraries for each test that asks for a verifier; the one of npm is installed once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.foreign.packages import CannotInstall, installed
from tests.foreign.verifiers import ByNode, by_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.foreign.verifiers import Verifier


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """Give the directory with the packages of npm and our scripts, installed once."""
    try:
        return installed()
    except CannotInstall as problem:
        if os.environ.get("CI"):
            pytest.fail(str(problem), pytrace=False)
        pytest.skip(str(problem))


@pytest.fixture(scope="session")
def _node(node_folder: Path) -> Iterator[ByNode]:
    verifier = ByNode.started(node_folder)
    yield verifier
    verifier.end()


@pytest.fixture(params=["PyPI", pytest.param("npm", marks=pytest.mark.node)])
def verifier(request: pytest.FixtureRequest) -> Verifier:
    """Give the library of one of the two worlds."""
    if request.param == "PyPI":
        return by_python
    node: ByNode = request.getfixturevalue("_node")
    return node
