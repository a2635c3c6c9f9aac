"""Real nodes for tests, and a server among them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.site import Site

from lab import Lab, lacking


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Four nodes with two disks each."""
    if why := lacking():
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    made = Lab(tmp_path_factory.mktemp("lab") / "run", nodes=4, disks=2)
    try:
        made.up()
        yield made
    finally:
        made.down()


@pytest.fixture
def pristine_lab(lab: Lab) -> Lab:
    """The lab, every node as new."""
    lab.pristine()
    return lab


@pytest.fixture
def site(pristine_lab: Lab, tmp_path: Path) -> Iterator[Site]:
    with Site(pristine_lab, tmp_path) as made:
        yield made


@pytest.fixture
def four_nodes(site: Site) -> Site:
    site.load(disks=1)
    return site


@pytest.fixture
def three_nodes(site: Site) -> Site:
    site.load(count=3, disks=1)
    return site
