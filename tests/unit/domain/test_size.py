import pytest

from pyheketi.domain import size
from pyheketi.domain.entities import float32, pool_sizes
from pyheketi.domain.size import KIB_PER_GIB


@pytest.mark.parametrize(
    ("gib", "factor", "pool", "metadata"),
    [
        (1, 1, 1048576, 8192),
        (2, 1, 2097152, 12288),
        (10, 1, 10485760, 53248),
        (100, 1, 104857600, 524288),
        (1024, 1, 1073741824, 5369856),
        (4096, 1, 4294967296, 16777216),
        (1, 1.2, 1261568, 8192),
        (100, 1.2, 125833216, 630784),
        (1, 1.5, 1572864, 8192),
        (100, 1.5, 157286400, 786432),
        (1, 3, 3145728, 16384),
        (1 / 64, 1, 16384, 4096),
    ],
)
def test_pool_and_metadata_are_those_of_heketi(gib: float, factor: float, pool: int, metadata: int) -> None:
    assert pool_sizes(int(gib * KIB_PER_GIB), factor, 4096) == (pool, metadata)


def test_factor_is_a_32_bit_float() -> None:
    assert float32(1.2) != 1.2
    assert float32(1.5) == 1.5


@pytest.mark.parametrize(("kib", "aligned"), [(0, 0), (1, 4096), (4096, 4096), (4097, 8192)])
def test_align_up(kib: int, aligned: int) -> None:
    assert size.align_up(kib, 4096) == aligned


@pytest.mark.parametrize(
    ("kib", "text"),
    [(0, "0 KiB"), (512, "512 KiB"), (1536, "1.5 MiB"), (1056768, "1.01 GiB"), (2**31, "2 TiB"), (-2048, "-2 MiB")],
)
def test_text(kib: int, text: str) -> None:
    assert size.text(kib) == text
