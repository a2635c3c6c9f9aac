"""What ran on a node of the lab: every command of the server's shells as the shell itself tells it, and every program.

The first comes from bash's trace, which ``BASH_ENV`` turns on for the server's own shells only; it has all words after
expansion, so whatever a shell made of a payload is there. The second comes from the kernel (fanotify), whoever started
the program: shells, glusterd and its hooks, udev.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import chain

from lab import LabNode

_FOLDER = "/run/recording"
_SSHD = "/etc/ssh/sshd_config.d/recording.conf"

_TRACE = r"""
mapfile -d '' -t words_ </proc/$$/cmdline
if [[ ${words_[*]} == "bash --norc --noprofile" ]]; then
    export LVM_SUPPRESS_FD_WARNINGS=1
    exec {BASH_XTRACEFD}>>FOLDER/trace.$$
    PS4=$'\x1e'
    set -x
fi
unset words_
""".replace("FOLDER", _FOLDER)

_WATCH = """
import ctypes, os, struct
FAN_UNLIMITED_QUEUE, FAN_MARK_ADD, FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, AT_FDCWD = 0x10, 0x1, 0x100, 0x1000, -100
libc = ctypes.CDLL(None, use_errno=True)
group = libc.fanotify_init(FAN_UNLIMITED_QUEUE, os.O_RDONLY)
for place in (b"/", b"/run", b"/tmp", b"/dev", b"/dev/shm"):
    if libc.fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, ctypes.c_uint64(FAN_OPEN_EXEC), AT_FDCWD, place):
        raise OSError(ctypes.get_errno(), place)
if os.fork():
    os._exit(0)
os.setsid()
with open("FOLDER/pid", "w") as file:
    file.write(str(os.getpid()))
with open("FOLDER/programs", "a") as file:
    for null in (0, 1, 2):
        os.dup2(os.open("/dev/null", os.O_RDWR), null)
    while True:
        events, at = os.read(group, 65536), 0
        while at < len(events):
            size, _, _, _, _, program, _ = struct.unpack_from("IBBHQii", events, at)
            file.write(os.readlink("/proc/self/fd/%d" % program) + "\\n")
            os.close(program)
            at += size
        file.flush()
""".replace("FOLDER", _FOLDER)

_OURS = (
    r"unset words_|(export )?LC_ALL=C|say (start|end|\d+)|printf '[0-9a-f]+:%s;' (start|end|\d+)|gone|read -r -t 0|"
    r"read -r -n1|status=\d+|'\[' \d+ = 0 '\]'|stop|exit 0|kill -KILL 0"
)
"""What the server's own program is made of, besides commands."""

_PART = re.compile(r"\$'((?:[^'\\]|\\.)*)'|'([^']*)'|\\(.)|((?:[^'\\$]|\$(?!'))+)", re.DOTALL)


def begin(node: LabNode) -> None:
    """Record from now on what new connections of a server do, and what else runs."""
    node.ssh(
        f"mkdir -p {_FOLDER}; cat >{_FOLDER}/on <<'EOF'\n{_TRACE}\nEOF\n"
        f"echo SetEnv BASH_ENV={_FOLDER}/on >{_SSHD} && systemctl reload ssh && python3 -c {shlex.quote(_WATCH)}"
    )


def end(node: LabNode) -> None:
    """Record no more, and forget what was recorded."""
    node.ssh(f"kill $(cat {_FOLDER}/pid); rm -r {_SSHD} {_FOLDER}; systemctl reload ssh")


def commands(node: LabNode) -> list[tuple[str, ...]]:
    """Return the words of all that the server's shells did since the last time, but for the server's own frame."""
    text = node.ssh(f"cd {_FOLDER} && cat $(ls -tr trace.*) && rm trace.*", check=False).stdout
    records = (record.strip("\n") for record in re.split("\x1e+", text) if record)
    return [words(record) for record in records if not re.fullmatch(_OURS, record)]


def programs(node: LabNode) -> set[str]:
    """Return all programs that ran since the last time, but for those that this module needs itself."""
    text = node.ssh(f"sleep 0.2; cat {_FOLDER}/programs; : >{_FOLDER}/programs").stdout
    return {line for line in text.splitlines() if "/ld-linux" not in line}


def words(record: str) -> tuple[str, ...]:
    """Return the words of a line of bash's trace."""
    return tuple(_unquoted(record))


def _unquoted(record: str) -> Iterator[str]:
    word, begun = "", False
    for found in _PART.finditer(record):
        dollars, quoted, escaped, plain = found.groups()
        if plain is None:
            word, begun = word + next(filter(None, (quoted, escaped, _unescaped(dollars or ""))), ""), True
            continue
        for number, piece in enumerate(re.split(r"[ \n]", plain)):
            if number and begun:
                yield word
                word, begun = "", False
            word, begun = word + piece, begun or bool(piece)
    if begun:
        yield word


def _unescaped(text: str) -> str:
    plain = re.sub(rb"\\([0-7]{3}|.)", lambda found: _character(found[1]), text.encode())
    return plain.decode(errors="surrogateescape")


def _character(escape: bytes) -> bytes:
    return bytes([int(escape, 8)]) if len(escape) == 3 else {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(escape, escape)


def unexpected(ran: Iterable[set[str]], usual: Iterable[set[str]]) -> set[str]:
    """Return what ran on some node that ran on none at the usual work; systemd's own timers do not count."""
    foreign = set(chain.from_iterable(ran)) - set(chain.from_iterable(usual))
    return {each for each in foreign if not each.startswith("/usr/lib/systemd/")}
