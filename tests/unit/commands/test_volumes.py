import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyheketi.commands import volumes
from pyheketi.commands.options import NodeOptions
from pyheketi.domain import errors
from pyheketi.domain.durability import Disperse, Distribute, Durability, Replicate
from pyheketi.operations.steps import AddBricks, CreateVolume


@given(st.lists(st.text()))
def test_an_option_is_two_arguments_or_refused(texts: list[str]) -> None:
    step = CreateVolume(
        hosts=("n1",), volume="v", name="vol", durability=Distribute(), brick_sets=(("h:/b",),), options=tuple(texts)
    )
    try:
        script = volumes.create(step, NodeOptions())
    except errors.RequestError:
        return
    words = [word for command in script.commands if "set" in command.args for word in command.args[5:]]
    assert len(words) % 2 == 0
    assert words[-2:] == ["user.heketi.id", "v"]
    assert all(word and word.isprintable() and not word.startswith("--") for word in words)
    for text in filter(None, (text.strip() for text in texts)):
        assert text.partition(" ")[0] in words[::2]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("performance.cache-size 1GB", [("performance.cache-size", "1GB")]),
        ("  auth.allow   10.0.0.1,10.0.0.2  ", [("auth.allow", "10.0.0.1,10.0.0.2")]),
        ("user.note $(reboot); it's 'mine'", [("user.note", "$(reboot); it's 'mine'")]),
        ("", []),
        ("   ", []),
    ],
)
def test_options_are_split_at_the_first_blank(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(volumes.parse_options([text])) == pairs


@pytest.mark.parametrize(
    "text",
    [
        "alone",
        "--log-file /etc/passwd",
        "-x 1",
        "user.x --remote-host=h",
        "user.x a\nuser.y=b",
        "user.x a\0b",
        "group ../../../../etc/os-release",
    ],
)
def test_options_that_never_reach_a_command_line(text: str) -> None:
    with pytest.raises(errors.RequestError, match="Volume option"):
        list(volumes.parse_options([text]))


@pytest.mark.parametrize("value", ["v" * 3995, "é" * 1997])
def test_an_option_that_would_kill_glusterd_is_refused(value: str) -> None:
    assert list(volumes.parse_options([f"user. {value}"])) == [("user.", value)]
    with pytest.raises(errors.RequestError, match=r"^Volume option 'user\. [vé]{74}'… is too long: .* 4000 bytes"):
        list(volumes.parse_options([f"user. {value}{value[:2]}"]))


@given(st.sampled_from([Distribute(), Replicate(3), Disperse(2, 1)]), st.integers(1, 40), st.data())
def test_bricks_that_are_there_are_never_added_again(durability: Durability, count: int, data: st.DataObject) -> None:
    sets = tuple(tuple(f"h{n}:/{s}" for n in range(durability.set_size)) for s in range(count))
    present = data.draw(st.sets(st.sampled_from(sets)))
    step = AddBricks(hosts=("n1",), name="v", durability=durability, brick_sets=sets)
    script = volumes.add_bricks(step, [brick for each in present for brick in each], NodeOptions())
    added = [word for command in script.commands for word in command.args[5:]]
    assert added == [brick for each in sets if each not in present for brick in each]
