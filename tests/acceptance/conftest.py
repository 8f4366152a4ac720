"""Fixtures: each test module has a namespace of its own, deleted when the module is done."""

import zlib

import pytest

from cluster import Space


@pytest.fixture(scope="module")
def space(request):
    name = "t-" + request.module.__name__.removeprefix("test_").replace("_", "-")
    space = Space(name, f"{100_000_000_000 + zlib.crc32(name.encode()):012d}")
    yield space
    space.delete()


@pytest.fixture(autouse=True)
def tidy(request):
    """Deletes the Functions that a test applied, so that their pods make room for the next test's."""
    if "space" not in request.fixturenames:
        yield
        return
    space = request.getfixturevalue("space")
    before = set(space.applied)
    yield
    for name in sorted(space.applied - before):
        space.remove(name)
