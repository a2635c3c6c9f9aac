import os
from pathlib import Path

import pytest
from hypothesis import settings
from tests import mishap_table, official_client
from tests.depth import NIGHTLY

settings.register_profile("pyheketi", deadline=None)  # shared machines are slow at times; nothing is timed here
settings.register_profile("nightly", deadline=None, max_examples=20_000)
settings.load_profile("nightly" if NIGHTLY else "pyheketi")


@pytest.fixture(scope="session")
def official_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return official_client.install(tmp_path_factory.mktemp("official"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    found = [value for report in reports for name, value in report.user_properties if name == mishap_table.PROPERTY]
    if not found:
        return
    cells = [mishap_table.Cell(**value) for value in found]
    terminalreporter.section("runs with a mishap")
    for line in mishap_table.rows(cells, of_deeds=False):
        terminalreporter.line(line)
    if folder := os.environ.get("PYHEKETI_REPORTS"):
        lines = mishap_table.rows(cells, of_deeds=True)
        Path(folder, "mishaps.txt").write_text("\n".join([*lines, ""]))
