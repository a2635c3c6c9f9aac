from collections.abc import Mapping, Sequence

import pytest

from pyheketi.cli import parser, usage
from pyheketi.cli.errors import Problem
from pyheketi.cli.main import action
from pyheketi.cli.tree import ROOT
from pyheketi.cli.values import Value

LINES: dict[str, tuple[str, Mapping[str, Value], Sequence[str]]] = {
    "": ("heketi-cli", {}, ()),
    "volume create --size=4": ("heketi-cli volume create", {"size": 4}, ()),
    "volume create --size 4": ("heketi-cli volume create", {"size": 4}, ()),
    "--size 4 volume create": ("heketi-cli volume create", {"size": 4}, ()),
    "volume --size 4 create": ("heketi-cli volume create", {"size": 4}, ()),
    "volume create --size=1 --size=2": ("heketi-cli volume create", {"size": 2}, ()),
    "volume create --block false": ("heketi-cli volume create", {"block": True}, ("false",)),
    "volume create --block=false": ("heketi-cli volume create", {"block": False}, ()),
    "--json cluster list": ("heketi-cli cluster list", {"json": True}, ()),
    "-I cluster list": ("heketi-cli cluster list", {"insecure-tls": True}, ()),
    "cluster list -Is URL": ("heketi-cli cluster list", {"insecure-tls": True, "server": "URL"}, ()),
    "-IsURL cluster list": ("heketi-cli cluster list", {"insecure-tls": True, "server": "URL"}, ()),
    "-s=URL cluster list": ("heketi-cli cluster list", {"server": "URL"}, ()),
    "cluster -s cluster list": ("heketi-cli cluster list", {"server": "cluster"}, ()),
    "volume create -size=5": ("heketi-cli volume create", {"server": "ize=5"}, ()),
    "volume info a b 2>&1": ("heketi-cli volume info", {}, ("a", "b", "2>&1")),
    "volume info -- -x --json": ("heketi-cli volume info", {}, ("-x", "--json")),
    "volume info -": ("heketi-cli volume info", {}, ("-",)),
    "cluster list -C a,b -C c": ("heketi-cli cluster list", {"tls-cert": ("a", "b", "c")}, ()),
    "topology load --json file": ("heketi-cli topology load", {"json": "file"}, ()),
    "--json topology load -j x": ("heketi-cli topology load", {"json": "-j"}, ("x",)),
    "cluster nosuch": ("heketi-cli cluster", {}, ("nosuch",)),
    "cluster list -h": ("heketi-cli cluster list", {"help": True}, ()),
    "-v": ("heketi-cli", {"version": True}, ()),
    "volume expand x --volume y": ("heketi-cli volume expand", {"volume": "y"}, ("x",)),
}


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_command_lines(line: str, expected: tuple[str, Mapping[str, Value], Sequence[str]]) -> None:
    parsed = parser.parse(ROOT, line.split())
    assert (str(parsed.path), parsed.values, parsed.arguments) == (expected[0], expected[1], tuple(expected[2]))


PROBLEMS = {
    "volume create --siz=5": "unknown flag: --siz",
    "volume create --cluster=x": "unknown flag: --cluster",
    "volume list -x": "unknown shorthand flag: 'x' in -x",
    "volume list -Ix": "unknown shorthand flag: 'x' in -x",
    "cluster list -v": "unknown shorthand flag: 'v' in -v",
    "volume create --size": "flag needs an argument: --size",
    "cluster list -s": "flag needs an argument: 's' in -s",
    "topology load --json": "flag needs an argument: --json",
    "volume create ---size": "bad flag syntax: ---size",
    "volume create --=5": "bad flag syntax: --=5",
    "volume create --size=abc": (
        'invalid argument "abc" for "--size" flag: strconv.ParseInt: parsing "abc": invalid syntax'
    ),
    "volume create --block=maybe": (
        'invalid argument "maybe" for "--block" flag: strconv.ParseBool: parsing "maybe": invalid syntax'
    ),
    'cluster list -C a"b': (
        r'invalid argument "a\"b" for "-C, --tls-cert" flag: '
        'parse error on line 1, column 2: bare " in non-quoted-field'
    ),
    "nosuch": 'unknown command "nosuch" for "heketi-cli"\nRun \'heketi-cli --help\' for usage.',
    "clustr list": (
        'unknown command "clustr" for "heketi-cli"\n\nDid you mean this?\n\tcluster\n\n'
        "Run 'heketi-cli --help' for usage."
    ),
    "hel": 'unknown command "hel" for "heketi-cli"\nRun \'heketi-cli --help\' for usage.',
    "version": 'unknown command "version" for "heketi-cli"\nRun \'heketi-cli --help\' for usage.',
    "--block volume create": 'unknown command "create" for "heketi-cli"\nRun \'heketi-cli --help\' for usage.',
}


@pytest.mark.parametrize(("line", "text"), PROBLEMS.items())
def test_problems(line: str, text: str) -> None:
    with pytest.raises(Problem) as caught:
        parser.parse(ROOT, line.split())
    assert str(caught.value) == text


def below(path: parser.Path) -> list[parser.Path]:
    return [path, *(found for child in path.command.commands for found in below(parser.Path((*path.commands, child))))]


ALL = below(parser.Path((ROOT,)))


@pytest.mark.parametrize("path", ALL, ids=str)
def test_every_command_has_an_action_or_commands(path: parser.Path) -> None:
    command = path.command
    assert callable(action(command)) if command.action else command.commands


@pytest.mark.parametrize("path", ALL, ids=str)
def test_help_names_every_flag_and_command(path: parser.Path) -> None:
    text = usage.help_text(path)
    assert text.startswith(f"{path.command.help}\n\nUsage:\n  {path}")
    assert all(f"--{flag} " in text for flag in path.flags)
    assert all(f"  {command.name} " in text for command in path.command.commands)


@pytest.mark.parametrize("path", ALL, ids=str)
def test_defaults_are_of_their_kind(path: parser.Path) -> None:
    kinds = {"bool": bool, "string": str, "int": int, "float32": float, "strings": tuple}
    assert all(type(flag.default) is kinds[flag.kind.value] for flag in path.flags.values())
