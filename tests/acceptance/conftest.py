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
