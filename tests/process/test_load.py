"""Two hundred clients at once: nobody hears worse than "later", memory stays, every volume is accounted for."""

import time
from pathlib import Path

from tests.depth import often
from tests.process.client import Client
from tests.process.crowd import Crowd
from tests.served import SETTINGS, Running, serving

CLIENTS = 200
MANY = {**SETTINGS, "glusterfs": {**SETTINGS["glusterfs"], "max_volumes_per_cluster": -1}}


def memory(server: Running) -> float:
    """MiB in use."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def test_two_hundred_clients(tmp_path: Path) -> None:
    crowd = Crowd(CLIENTS, kinds=("volumes",), patience=1.0)
    with serving(tmp_path, MANY) as running:
        with Client(running.port) as client:
            client.furnish(nodes=6, devices=4)
        crowd.come(running.port)
        time.sleep(often(4, 30))
        early = memory(running)
        time.sleep(often(10, 300))
        late = memory(running)
        crowd.go()
        crowd.settle(running.port)
    assert crowd.trouble == []
    assert set(crowd.statuses) <= {200, 202, 204, 303, 429}
    assert crowd.done.total() > CLIENTS
    assert late < early * 1.5 + 20, "jobs of a day are kept, but ten thousand at most"
    assert "Traceback" not in (tmp_path / "server.log").read_text()
