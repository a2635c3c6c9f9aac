from pathlib import Path

import pytest
from hypothesis import settings
from tests import official_client

settings.register_profile("pyheketi", deadline=None)  # shared machines are slow at times; nothing is timed here
settings.load_profile("pyheketi")


@pytest.fixture(scope="session")
def official_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official_client.install(tmp_path_factory.mktemp("official"))
