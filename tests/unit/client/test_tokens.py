import pytest

from pyheketi.client import tokens


def test_recorded_scope() -> None:
    header = tokens.bearer("admin", "k", "GET", "/clusters", 1_700_000_000.9)
    assert header == (
        "bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
        ".eyJleHAiOjE3MDAwMDAzMDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiYWRtaW4iLCJxc2giOiI0NzQ5YTU5ZGU4N2MyN2M5YjJmNDk1YzVm"
        "MTMwOWIyNTI1NjgxZGZlMzBjOGE3YjgzNjI1OTAxYjEzMmE5YzI2In0"
        f".{header.rpartition('.')[2]}"
    )


@pytest.mark.parametrize("key", ["", "short", "é", "\udcff", "x" * 200])
def test_any_key_signs(key: str) -> None:
    assert tokens.bearer("", key, "GET", "/a", 0).count(".") == 2
