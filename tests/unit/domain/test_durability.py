import itertools

import pytest

from pyheketi.domain.durability import Disperse, Distribute, Durability, DurabilityRequest, Replicate, splits
from pyheketi.domain.size import KIB_PER_GIB


@pytest.mark.parametrize(
    ("request_", "durability"),
    [
        (DurabilityRequest(), Distribute()),
        (DurabilityRequest(type="none", replica=3), Distribute()),
        (DurabilityRequest(type="replicate"), Replicate(2)),
        (DurabilityRequest(type="replicate", replica=1), Replicate(1)),
        (DurabilityRequest(type="replicate", replica=3, data=4, redundancy=2), Replicate(3)),
        (DurabilityRequest(type="disperse", data=8, redundancy=3), Disperse(8, 3)),
    ],
)
def test_effective(request_: DurabilityRequest, durability: Durability) -> None:
    assert request_.effective() == durability


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        (DurabilityRequest(type="raid"), "Unknown durability type"),
        (DurabilityRequest(type="replicate", replica=4), "Invalid replica value"),
        (DurabilityRequest(type="replicate", replica=-1), "Invalid replica value"),
        (DurabilityRequest(type="disperse"), "Invalid dispersion combination: 0+0"),
        (DurabilityRequest(type="disperse", data=5, redundancy=1), "Invalid dispersion combination: 5+1"),
    ],
)
def test_refused(request_: DurabilityRequest, text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("+", r"\+")):
        request_.effective()


@pytest.mark.parametrize(
    ("durability", "gib", "expected"),
    [
        (Replicate(3), 10, [(1, 10485760), (2, 5242880), (4, 2621440), (8, 1310720), (16, 655360)]),
        (Disperse(4, 2), 10, [(1, 2621440), (2, 1310720), (4, 655360)]),
        (Distribute(), 5000, [(2, 2621440000), (4, 1310720000), (8, 655360000)]),
        (Replicate(3), 10240, [(4, 2684354560), (8, 1342177280)]),
    ],
)
def test_splits_double_and_pass_over_what_is_too_large(
    durability: Durability, gib: int, expected: list[tuple[int, int]]
) -> None:
    found = list(itertools.islice(splits(durability, gib * KIB_PER_GIB, 4096 * KIB_PER_GIB), len(expected)))
    assert found == expected


def test_splits_end() -> None:
    assert list(splits(Disperse(2, 1), 8, 100)) == [(1, 4), (2, 2), (4, 1)]
