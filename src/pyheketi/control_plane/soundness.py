"""Look at the database when a server starts: what contradicts itself is logged, and left to a person.

Lists and space are derived from the entities, so that little can be wrong: a broken rule of the model, after an import
or an edit by hand, or the mark of an operation that does not exist.
"""

import logging
from collections.abc import Iterator, Sequence

from pyheketi.domain import invariants
from pyheketi.domain.topology import Topology
from pyheketi.operations.operation import Operation
from pyheketi.planning import scrubbing

_log = logging.getLogger(__name__)

_SHOWN = 20
"""Contradictions that are logged one by one."""


def warn(topology: Topology, unfinished: Sequence[Operation]) -> None:
    """Log what is wrong; ``unfinished`` are all operations that have not ended."""
    wrong = [*invariants.check(topology), *_dangling(topology, unfinished)]
    for text in wrong[:_SHOWN]:
        _log.warning("The database contradicts itself: %s", text)
    if len(wrong) > _SHOWN:
        _log.warning("The database contradicts itself in %d more places", len(wrong) - _SHOWN)


def _dangling(topology: Topology, unfinished: Sequence[Operation]) -> Iterator[str]:
    for id_, marked in scrubbing.dangling_marks(topology, unfinished):
        for each in marked:
            yield (
                f"{type(each).__name__.lower()} {each.id} is marked by operation {id_}, which does not exist;"
                " heketi db scrub --all drops such marks"
            )
