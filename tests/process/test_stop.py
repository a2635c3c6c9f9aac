"""SIGTERM at any time, once or often: the server ends in order, and the next one goes on where it was."""

import random
import signal
import time
from pathlib import Path

from tests.depth import often
from tests.process.comparing import require_consistent
from tests.process.crowd import Crowd
from tests.process.slow import SLOW, furnished
from tests.served import Running, answers, serving, starting


def stopped(running: Running, folder: Path) -> int:
    """Wait for the end of a server that said nothing bad; return its status."""
    status = running.process.wait(60)
    assert "Traceback" not in (folder / "server.log").read_text()
    require_consistent(folder / "heketi.db")
    return status


def test_stopped_under_load_with_one_signal_or_several(tmp_path: Path) -> None:
    chance, crowd = random.Random(7), Crowd(8)
    furnished(tmp_path)
    for round_ in range(often(3, 40)):
        with serving(tmp_path, SLOW) as running:
            crowd.settle(running.port)
            crowd.come(running.port)
            time.sleep(chance.uniform(0.1, 0.6))
            for _ in range(round_ % 4 + 1):
                running.process.send_signal(chance.choice([signal.SIGTERM, signal.SIGINT]))
                time.sleep(chance.choice([0, 0, 0.02]))
            crowd.go()
            assert stopped(running, tmp_path) == 0
    with serving(tmp_path, SLOW) as running:
        crowd.settle(running.port)
    assert crowd.trouble == []
    assert min(crowd.done[verb] for verb in ("create", "delete", "expand", "clone")) > 0


def leave_unfinished(folder: Path, crowd: Crowd) -> None:
    """Leave a database whose operations the next server has to take up."""
    with serving(folder, SLOW) as running:
        crowd.settle(running.port)
        crowd.come(running.port)
        time.sleep(0.1)
        running.process.kill()
        running.process.wait()
        crowd.go()


def test_stopped_during_the_start(tmp_path: Path) -> None:
    """Until it has read its settings a signal ends it at once, then in order; with operations to take up, too."""
    chance, crowd = random.Random(7), Crowd(8)
    furnished(tmp_path)
    ends = set()
    for round_ in range(often(4, 60)):
        if round_ % 4 == 0:
            leave_unfinished(tmp_path, crowd)
        number = (signal.SIGTERM, signal.SIGINT)[round_ % 2]
        with starting(tmp_path, SLOW) as running:
            while b"python" not in (tmp_path / "server.log").read_bytes():
                time.sleep(0.01)
            time.sleep(chance.uniform(0, 0.5))
            running.process.send_signal(number)
            ends.add(stopped(running, tmp_path))
    with serving(tmp_path, SLOW) as running:
        crowd.settle(running.port)
    assert 0 in ends
    assert ends <= {0, -signal.SIGTERM, -signal.SIGINT}


def test_what_it_says_cannot_be_written(tmp_path: Path) -> None:
    with starting(tmp_path, log=Path("/dev/full")) as running:
        for _ in range(300):
            assert running.process.poll() is None
            if answers(running.url):
                break
            time.sleep(0.1)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
    require_consistent(tmp_path / "heketi.db")
