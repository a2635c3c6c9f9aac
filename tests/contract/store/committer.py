"""A server that only commits, until it is killed: ``committer.py PLACE``. Each commit adds a cluster of three nodes."""

import asyncio
import itertools
import sys

from pyheketi.domain.change import Put
from pyheketi.domain.entities import Cluster, Node
from pyheketi.domain.ids import ClusterId, NodeId
from pyheketi.store.opening import open_store


async def main(place: str) -> None:
    store = await open_store(place)
    for revision in itertools.count():
        cluster = Cluster(id=ClusterId(f"c{revision}"), file=True, block=True)
        nodes = [
            Node(id=NodeId(name), cluster=cluster.id, zone=1, manage=(f"m{name}",), storage=(f"s{name}",))
            for name in (f"n{revision}-{number}" for number in range(3))
        ]
        await store.commit([Put(cluster), *map(Put, nodes)], [], expected=revision)
        if revision == 0:
            sys.stdout.write("ready\n")
            sys.stdout.flush()


asyncio.run(main(sys.argv[1]))
