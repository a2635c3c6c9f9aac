"""``kill -9`` of a real server under load, again and again: what it has promised is kept, and nothing else is left."""

import random
import time
from pathlib import Path

from tests.depth import often
from tests.process.comparing import require_consistent
from tests.process.crowd import Crowd
from tests.process.slow import SLOW, furnished
from tests.served import serving


def test_killed_under_load_again_and_again(tmp_path: Path) -> None:
    chance, crowd = random.Random(7), Crowd(8)
    furnished(tmp_path)
    for _ in range(often(8, 100)):
        with serving(tmp_path, SLOW) as running:
            crowd.settle(running.port)
            crowd.come(running.port)
            time.sleep(chance.uniform(0.01, 0.8))
            running.process.kill()
            running.process.wait()
            crowd.go()
        assert "Traceback" not in (tmp_path / "server.log").read_text()
        require_consistent(tmp_path / "heketi.db")
    with serving(tmp_path, SLOW) as running:
        crowd.settle(running.port)
    assert crowd.trouble == []
    assert min(crowd.done[verb] for verb in ("create", "delete", "expand", "clone")) > 0
