"""Simulated file tools of a node: mkdir, mount, fstab edits and the like, with the words of Debian 12's."""

import re
from collections.abc import Callable, Mapping, Sequence

from pyheketi.executors.fake.answers import Failed, Options, unknown
from pyheketi.executors.fake.state import FSTAB, Directory, FakeNode, FileSystem, GlusterVolume, Mount

_PRINT_TO_FILE = re.compile(
    r'\s*BEGIN\s*\{\s*print\s+"([^"\\]*(?:\\.[^"\\]*)*)"\s*>>\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*;?\s*\}\s*'
)
_DELETE_MATCHING = re.compile(r"(?:/((?:[^/\\]|\\.)*)/|\\(?P<mark>[^\\\n])((?:(?!(?P=mark)).)*)(?P=mark))\s*d")
_ESCAPED = re.compile(r"\\(.)")
_PLAIN = re.compile(r"(?:[\w@:,=/ -]|\\[./])*")


# -- directories -------------------------------------------------------------------------------------------------


def mkdir(node: FakeNode, args: Sequence[str]) -> str:
    """Make directories."""
    options = Options("mkdir", args, flags=frozenset({"-p", "--parents"}), valued=frozenset({"-m", "--mode"}))
    parents = not options.values.keys().isdisjoint(("-p", "--parents"))
    for path in options.words:
        file_system, inner = node.locate(path)
        if inner in file_system.directories:
            if not parents:
                raise Failed(1, f"mkdir: cannot create directory '{path}': File exists\n")
            continue
        if path in node.files:
            raise Failed(1, f"mkdir: cannot create directory '{path}': File exists\n")
        if _is_full(node, path):
            raise Failed(1, f"mkdir: cannot create directory '{path}': No space left on device\n")
        if parents:
            made = file_system.add_all(inner)
        elif (inner.rpartition("/")[0] or "/") in file_system.directories:
            made = file_system.add(inner)
        else:
            raise Failed(1, f"mkdir: cannot create directory '{path}': No such file or directory\n")
        made.mode = options.get("-m", "--mode") or made.mode
    return ""


def _is_full(node: FakeNode, path: str) -> bool:
    """Tell whether what ``path`` lies in is a volume in a thin pool without room."""
    mounted = node.mount_of(path.rpartition("/")[0])
    group = node.groups.get(mounted.volume.group) if mounted else None
    pool = group.volumes.get(mounted.volume.pool) if mounted and group else None
    return pool is not None and pool.full


def rmdir(node: FakeNode, args: Sequence[str]) -> str:
    """Remove empty directories."""
    options = Options("rmdir", args, flags=frozenset(), valued=frozenset())
    for path in options.words:
        if path in node.mounts:
            raise Failed(1, f"rmdir: failed to remove '{path}': Device or resource busy\n")
        file_system, inner = node.locate(path)
        found = file_system.directories.get(inner)
        if found is None:
            raise Failed(1, f"rmdir: failed to remove '{path}': No such file or directory\n")
        if found.children or found.brick_of is not None or any(name.startswith(f"{path}/") for name in node.files):
            raise Failed(1, f"rmdir: failed to remove '{path}': Directory not empty\n")
        file_system.drop(inner)
    return ""


def _directory(node: FakeNode, program: str, path: str) -> Directory:
    found = node.directory(path)
    if found is None:
        raise Failed(1, f"{program}: cannot access '{path}': No such file or directory\n")
    return found


def chown(node: FakeNode, args: Sequence[str]) -> str:
    """Change owner and group of directories."""
    if len(args) < 2 or args[0].startswith("-"):
        unknown("chown", args)
    owner, colon, group = args[0].partition(":")
    for path in args[1:]:
        found = _directory(node, "chown", path)
        found.owner = owner or found.owner
        found.group = group if colon and group else found.group
    return ""


def chmod(node: FakeNode, args: Sequence[str]) -> str:
    """Change the mode of directories; modes are octal."""
    if len(args) < 2 or not re.fullmatch("[0-7]{3,4}", args[0]):
        unknown("chmod", args)
    for path in args[1:]:
        _directory(node, "chmod", path).mode = args[0]
    return ""


def test(node: FakeNode, args: Sequence[str]) -> str:
    """Tell by the exit status whether something is there."""
    negated = bool(args) and args[0] == "!"
    match [*args[negated:]]:
        case ["-d", path]:
            true = node.directory(path) is not None
        case ["-f", path]:
            true = path in node.files
        case ["-b", path]:
            true = node.has_device(path)
        case ["-e", path]:
            true = node.directory(path) is not None or path in node.files or node.has_device(path)
        case _:
            unknown("test", args)
    if true is negated:
        raise Failed(1, "")
    return ""


# -- file systems ------------------------------------------------------------------------------------------------


def mkfs_xfs(node: FakeNode, args: Sequence[str]) -> str:
    """Make an XFS on a logical volume."""
    options = Options(
        "mkfs.xfs", args, flags=frozenset({"-f", "-K", "-q"}), valued=frozenset({"-i", "-n", "-d", "-m", "-L", "-l"})
    )
    if len(options.words) != 1:
        unknown("mkfs.xfs", args)
    path = options.words[0]
    volume = node.devices.get(path)
    if volume is None:
        raise Failed(1, f"Error accessing specified device {path}: No such file or directory\n")
    if volume.mounts:
        raise Failed(1, f"mkfs.xfs: {path} contains a mounted filesystem\n")
    if volume.file_system is not None and "-f" not in options.values:
        raise Failed(
            1,
            f"mkfs.xfs: {path} appears to contain an existing filesystem (xfs).\n"
            "mkfs.xfs: Use the -f option to force overwrite.\n",
        )
    volume.file_system = FileSystem()
    return f"meta-data={path} isize=512\n"


def mount(node: FakeNode, args: Sequence[str]) -> str:
    """Mount, or list what is mounted."""
    if not args:
        return "".join(f"{each.device} on {each.point} type xfs ({each.options})\n" for each in node.mounts.values())
    options = Options("mount", args, flags=frozenset(), valued=frozenset({"-o", "-t"}))
    chosen = options.get("-o") or "rw"
    words = options.words
    if len(words) == 1:
        words, chosen = _from_fstab(node, words[0])
    if len(words) != 2:
        unknown("mount", args)
    device, point = words
    if node.directory(point) is None:
        raise Failed(32, f"mount: {point}: mount point does not exist.\n")
    volume = node.devices.get(device)
    if volume is None:
        raise Failed(32, f"mount: {point}: special device {device} does not exist.\n")
    if volume.file_system is None:
        raise Failed(
            32,
            f"mount: {point}: wrong fs type, bad option, bad superblock on {device}, "
            "missing codepage or helper program, or other error.\n",
        )
    if point in node.mounts:
        raise Failed(32, f"mount: {point}: {node.mounts[point].device} already mounted on {point}.\n")
    node.attach(volume, volume.file_system, point, chosen)
    return ""


def _from_fstab(node: FakeNode, wanted: str) -> tuple[list[str], str]:
    for line in node.files.get(FSTAB, ()):
        words = line.split()
        if len(words) >= 4 and wanted in words[:2]:
            return words[:2], words[3]
    raise Failed(1, f"mount: {wanted}: can't find in {FSTAB}.\n")


def umount(node: FakeNode, args: Sequence[str]) -> str:
    """Unmount; a brick process holds on to its file system."""
    options = Options("umount", args, flags=frozenset({"-l", "--lazy"}), valued=frozenset())
    for path in options.words:
        found = node.mounts.get(path)
        if found is None:
            raise Failed(32, f"umount: {path}: not mounted.\n")
        if options.values.keys().isdisjoint(("-l", "--lazy")) and _users(node, found):
            raise Failed(32, f"umount: {path}: target is busy.\n")
        found.volume.mounts -= 1
        del node.mounts[path]
    return ""


def _users(node: FakeNode, mounted: Mount) -> list[str]:
    """Return the brick directories that a running brick process uses there, and what is mounted below."""
    below = [point for point in node.mounts if point.startswith(f"{mounted.point}/")]
    for path, directory in mounted.file_system.directories.items():
        volume = node.pool.volumes.get(directory.brick_of.name) if directory.brick_of is not None else None
        if volume is not None and volume.started and _serves(volume, node, mounted.point + path):
            below.append(mounted.point + path)
    return below


def _serves(volume: GlusterVolume, node: FakeNode, path: str) -> bool:
    """Tell whether a brick process runs there. A brick that was replaced meanwhile keeps the volume's mark."""
    running = (brick.partition(":") for brick in volume.bricks if brick not in volume.dead)
    hosts = (host for host, _, at in running if at == path)
    return any(node.resolve(host) is node for host in hosts)


def lsof(node: FakeNode, args: Sequence[str]) -> str:
    """List the brick processes under a mount point."""
    if len(args) != 1 or args[0].startswith("-"):
        unknown("lsof", args)
    found = node.mounts.get(args[0])
    users = _users(node, found) if found else []
    if not users:
        raise Failed(1, "")
    rows = "".join(f"glusterfs 4711 root cwd DIR 253,4 4096 128 {path}\n" for path in users)
    return "COMMAND    PID USER FD  TYPE DEVICE SIZE/OFF NODE NAME\n" + rows


# -- files -------------------------------------------------------------------------------------------------------


def cat(node: FakeNode, args: Sequence[str]) -> str:
    """Show files."""
    said = ""
    for path in args:
        if path in {"/proc/self/mounts", "/proc/mounts", "/etc/mtab"}:
            said += "".join(f"{each.device} {each.point} xfs {each.options} 0 0\n" for each in node.mounts.values())
        elif path in node.files:
            said += "".join(f"{line}\n" for line in node.files[path])
        else:
            raise Failed(1, f"cat: {path}: No such file or directory\n", said)
    return said


def awk(node: FakeNode, args: Sequence[str]) -> str:
    """Append one line to a file: the only awk programs that are simulated."""
    found = _PRINT_TO_FILE.fullmatch(args[0]) if len(args) == 1 else None
    if found is None:
        unknown("awk", args)
    line, path = (_ESCAPED.sub(r"\1", text) for text in found.groups())
    if path not in node.files:
        if node.directory(path.rpartition("/")[0] or "/") is None:
            raise Failed(2, f'awk: cannot open "{path}" for output (No such file or directory)\n')
        node.files[path] = []
    node.files[path].append(line)
    return ""


def sed(node: FakeNode, args: Sequence[str]) -> str:
    """Delete the matching lines of a file in place: the only sed scripts that are simulated."""
    in_place = next((arg for arg in args if arg.startswith(("-i", "--in-place"))), None)
    words = [arg for arg in args if arg not in {in_place, "-e"}]
    found = _DELETE_MATCHING.fullmatch(words[0]) if in_place and len(words) == 2 else None
    if found is None or in_place is None:
        unknown("sed", args)
    path = words[1]
    if path not in node.files:
        raise Failed(2, f"sed: can't read {path}: No such file or directory\n")
    lines = node.files[path]
    suffix = in_place.removeprefix("--in-place=").removeprefix("--in-place").removeprefix("-i")
    if suffix:
        node.files[path + suffix] = lines
    matches = _matcher(found[1] or found[3] or "")
    node.files[path] = [line for line in lines if not matches(line)]
    return ""


def _matcher(pattern: str) -> Callable[[str], bool]:
    """Return a test for a basic regular expression; only plain text, anchors, dots and stars are simulated."""
    if _PLAIN.fullmatch(pattern):
        text = _ESCAPED.sub(r"\1", pattern)
        return lambda line: text in line
    if re.search(r"[+?(){}|]|\\[^./*\[\]$^\\-]", pattern):
        unknown("sed", [f"/{pattern}/d"])
    compiled = re.compile(pattern)
    return lambda line: compiled.search(line) is not None


def sync(node: FakeNode, args: Sequence[str]) -> str:
    """Write to disk what is in memory; simulated disks are memory."""
    if len(args) != 2 or args[0] != "-f":
        unknown("sync", args)
    if node.directory(args[1]) is None:
        raise Failed(1, f"sync: error opening '{args[1]}': No such file or directory\n")
    return ""


# -- services ----------------------------------------------------------------------------------------------------


def systemctl(node: FakeNode, args: Sequence[str]) -> str:
    """Look after glusterd, the only service there is."""
    match [arg for arg in args if not arg.startswith("--")]:
        case [_, unit] if unit.removesuffix(".service") != "glusterd":
            raise Failed(4, f"Unit {unit.removesuffix('.service')}.service could not be found.\n")
        case ["status", _]:
            state = "active (running)" if node.glusterd else "inactive (dead)"
            said = f"* glusterd.service - GlusterFS, a clustered file-system server\n     Active: {state}\n"
        case ["is-active", _]:
            said = "active\n" if node.glusterd else "inactive\n"
        case ["start" | "restart", _]:
            node.glusterd = True
            said = ""
        case ["stop", _]:
            node.glusterd = False
            return ""
        case _:
            unknown("systemctl", args)
    if not node.glusterd:
        raise Failed(3, "", said)
    return said


PROGRAMS: Mapping[str, Callable[[FakeNode, Sequence[str]], str]] = {
    "mkdir": mkdir,
    "rmdir": rmdir,
    "chown": chown,
    "chmod": chmod,
    "test": test,
    "mkfs.xfs": mkfs_xfs,
    "mount": mount,
    "umount": umount,
    "lsof": lsof,
    "cat": cat,
    "awk": awk,
    "sed": sed,
    "sync": sync,
    "systemctl": systemctl,
}
"""What this module simulates, by name."""
