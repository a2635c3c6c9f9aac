"""The importable clients, each test with the sync one and the async one."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.library import Make, connect
from tests.served import serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("library")) as running:
        yield running.url


@pytest.fixture(params=["sync", "async"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    made: list[Any] = []

    def client(url: str, *words: Any, **more: Any) -> Any:
        made.append(connect(request.param, url, *words, **more))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def client(make: Make, server: str) -> Any:
    return make(server, poll_delay=0.05)
