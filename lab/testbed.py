"""Real GlusterFS nodes on one machine, each a User Mode Linux guest, in a network namespace of their own.

Needs root on Debian, /dev/net/tun and /dev/fuse. Everything that a lab starts carries its mark (see ``lab.holder``);
taking the lab down ends whatever carries it, also what an earlier lab in the same folder has left when it crashed.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab import holder

CACHE = Path(os.environ.get("PYHEKETI_LAB_CACHE", "/var/tmp/pyheketi-lab"))
_HERE = Path(__file__).resolve().parent
_MEMORY = "768M"

_WITHOUT_UDEV = (
    "lab.udev=no",
    *(f"systemd.mask=systemd-udevd{unit}" for unit in (".service", "-control.socket", "-kernel.socket")),
)
"""Words for the kernel; ``lab-node`` of the image and systemd understand them."""

_EMPTY = """
systemctl stop glusterd; pkill -9 '^gluster' && sleep 0.2
awk '$2 ~ "^(/var/lib/heketi|/run/gluster)/" { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount -l
sed -i '/heketi/d' /etc/fstab; rm -f /etc/fstab.save
for vg in $(vgs --noheadings -o vg_name); do vgremove -ff -y -q $vg; done
for pv in $(pvs --noheadings -o pv_name); do pvremove -ff -y -q $pv; done
wipefs -a -q DISKS
rm -rf /var/lib/heketi /run/gluster/*
cd /var/lib/glusterd && rm -rf vols peers snaps glustershd ss_brick glusterd.info
systemctl reset-failed glusterd; systemctl start glusterd
"""
_LEFT = """
vgs --noheadings; pvs --noheadings; grep heketi /etc/fstab /proc/mounts; ls -d /var/lib/heketi 2>/dev/null
gluster volume list 2>&1 | grep -v '^No volumes'
"""


class LabNode:
    """One node."""

    def __init__(self, lab: "Lab", number: int) -> None:
        self.lab, self.number = lab, number
        self.name = f"n{number}"
        self.ip = f"{lab.net}.{10 + number}"
        self.home = lab.run_dir / self.name
        self._process: subprocess.Popen[str] | None = None

    @property
    def running(self) -> bool:
        """Whether the node has power."""
        return self._pid() is not None

    @property
    def disks(self) -> list[str]:
        """Spare disks as the node names them."""
        return [f"/dev/ubd{chr(ord('b') + index)}" for index in range(self.lab.disks)]

    def start(self) -> None:
        """Switch the node on, without waiting for it; nothing happens when it is on."""
        if self.running:
            return
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.home / self.name, ignore_errors=True)  # left behind by a power cut
        (self.home / "ssh").unlink(missing_ok=True)
        for index in range(self.lab.disks):
            disk = self.home / f"disk{index}"
            if not disk.exists():
                with disk.open("w") as file:
                    file.truncate(self.lab.disk_gib * 2**30)
        disks = [f"ubd{index + 1}={self.home / f'disk{index}'}" for index in range(self.lab.disks)]
        hosts = ",".join(f"{node.ip}={node.name}" for node in self.lab.nodes)
        mac = f"02:00:00:77:{self.number:02x}:01"
        kernel = [
            self.lab.kernel,
            "seccomp=auto",  # where the kernel can: processes are not traced, and start twice as fast
            f"mem={_MEMORY}",
            f"umid={self.name}",
            f"uml_dir={self.home}/",
            f"ubd0={self.home / 'root.cow'},{self.lab.image}",
            *disks,
            "con=null",
            "con0=null,fd:1",
            "ssl=null",
            f"vec0:transport=tap,ifname=tap{self.number},depth=128,gro=1,mac={mac}",
            *("root=/dev/ubda", "rw", "net.ifnames=0", "audit=0", "mitigations=off", "quiet"),
            *(() if self.lab.udev else _WITHOUT_UDEV),
            *(f"lab.name={self.name}", f"lab.ip={self.ip}/24", f"lab.hosts={hosts}", "systemd.show_status=0"),
        ]
        with (self.home / "console.log").open("w") as console:
            self._process = self.lab.popen(
                ["unshare", "--fork", "--pid", "--kill-child=KILL", *kernel],
                cwd=self.home,
                env=os.environ | {"TMPDIR": "/dev/shm"},  # the guest's memory is a file there
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
            )
        (self.home / "pid").write_text(str(self._process.pid))

    def wait_ready(self, timeout: float = 120) -> None:
        """Wait until the node's glusterd is up.

        Raises:
            TimeoutError: it is not after ``timeout`` seconds.
        """
        self._wait_for("systemctl is-active --quiet glusterd", timeout)

    def wait_answer(self, timeout: float = 120) -> None:
        """Wait until the node lets root in, whatever its glusterd does.

        Raises:
            TimeoutError: it does not after ``timeout`` seconds.
        """
        self._wait_for("true", timeout)

    def _wait_for(self, command: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.ssh(command, check=False, timeout=15).returncode == 0:
                return
            time.sleep(0.3)
        raise TimeoutError(f"{self.name} is not ready after {timeout:g} s:\n{(self.home / 'console.log').read_text()}")

    def ssh(self, command: str, *, check: bool = True, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a shell command on the node as root."""
        try:
            done = self.lab.exec([*self._ssh_words(), "-n", command], check=False, timeout=timeout)
        except subprocess.TimeoutExpired:
            if check:
                raise
            return subprocess.CompletedProcess([command], 255, "", "timeout")
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {command}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def empty(self) -> None:
        """Make the running node as new.

        Raises:
            RuntimeError: something is left on it.
        """
        self.ssh(_EMPTY.replace("DISKS", " ".join(self.disks)), check=False)
        self.wait_ready()
        if left := self.ssh(_LEFT, check=False).stdout.strip():
            raise RuntimeError(f"{self.name} is not empty:\n{left}")

    def login(self) -> int:
        """Give the person at the terminal a shell on the node; return the shell's status."""
        return self.lab.exec(self._ssh_words(), check=False, capture_output=False).returncode

    def _ssh_words(self) -> list[str]:
        options = {
            "IdentityFile": self.lab.key(),
            "IdentitiesOnly": "yes",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "LogLevel": "ERROR",
            "ConnectTimeout": "3",
            "ServerAliveInterval": "5",
            "ControlMaster": "auto",
            "ControlPath": self.home / "ssh",
            "ControlPersist": "600",
        }
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", *map(str, words), f"root@{self.ip}"]

    def power_cut(self) -> None:
        """Take the node's power: what is on its disks stays."""
        pid = self._pid()
        if pid is not None:
            for process in _children(pid) or [pid]:
                os.kill(process, signal.SIGKILL)  # the guest's first process takes all others with it
            self._wait_off(pid)

    def poweroff(self, timeout: float = 60) -> None:
        """Shut the node down as an administrator would, and wait until it is off.

        Raises:
            TimeoutError: it is still on after ``timeout`` seconds.
        """
        pid = self._pid()
        if pid is None:
            return
        self.ssh("systemctl poweroff", check=False, timeout=15)
        deadline = time.monotonic() + timeout
        while self.running:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.name} does not switch off in {timeout:g} s")
            time.sleep(0.1)
        self._wait_off(pid)

    def reap(self) -> None:
        """Collect the node's process once it has been killed."""
        if self._process:
            self._process.wait()
            self._process = None

    def _pid(self) -> int | None:
        """Return the process that the guest's own processes hang from, if the node is on."""
        try:
            pid = int((self.home / "pid").read_text())
        except FileNotFoundError:
            return None
        return pid if holder.belongs(pid, self.lab.run_dir) else None

    def _wait_off(self, pid: int) -> None:
        if self._process:
            self.reap()
        else:
            _wait_gone(pid)
        (self.home / "pid").unlink(missing_ok=True)
        (self.home / "ssh").unlink(missing_ok=True)

    def cut_network(self) -> None:
        """Unplug the node's cable."""
        self.lab.exec(["ip", "link", "set", f"tap{self.number}", "nomaster"])

    def restore_network(self) -> None:
        """Plug it in again."""
        self.lab.exec(["ip", "link", "set", f"tap{self.number}", "master", "br0"])

    def freeze(self) -> None:
        """Stop the node in its tracks: it answers nothing and keeps its connections."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        pid = self._pid()
        if pid is None:
            raise RuntimeError(f"{self.name} is off; start it first")
        for child in _children(pid):
            os.kill(child, number)


class Lab:
    """Some nodes, and a place among them for servers and clients."""

    def __init__(
        self,
        run_dir: Path,
        net: str = "10.77.0",
        *,
        nodes: int = 4,
        disks: int = 2,
        disk_gib: int = 20,
        udev: bool = True,
        keep: bool = False,
    ) -> None:
        """Describe a lab.

        Args:
            run_dir: where it keeps its files; there can be one lab in a folder.
            net: the first three numbers of its addresses.
            nodes: how many.
            disks: spare ones on each node.
            disk_gib: GiB of each spare disk.
            udev: whether the nodes have it, as real ones do. Without it LVM takes a third of the time here.
            keep: whether the nodes outlive this process; otherwise they die with it, however it dies.
        """
        self.run_dir = Path(run_dir).resolve()
        self.disks, self.disk_gib, self.udev, self.net, self._keep = disks, disk_gib, udev, net, keep
        self.nodes = [LabNode(self, number) for number in range(1, nodes + 1)]
        self._holder: subprocess.Popen[str] | None = None

    # -- life ----------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Build the image if need be, start all nodes on empty disks, and wait for them."""
        self.down()
        made = subprocess.run([_HERE / "image.sh", CACHE], check=True, stdout=subprocess.PIPE, text=True)
        self.run_dir.mkdir(parents=True)
        for name, path in zip(("kernel", "image"), made.stdout.splitlines(), strict=True):
            (self.run_dir / name).write_text(path)
        self._hold()
        hosts = self.run_dir / "hosts"
        lines = ["127.0.0.1 localhost", "::1 localhost", *(f"{node.ip} {node.name}" for node in self.nodes)]
        hosts.write_text("\n".join(lines) + "\n")
        script = [
            f"mount --bind {hosts} /etc/hosts",
            "ip link set lo up",
            "ip link add br0 type bridge",
            f"ip addr add {self.net}.1/24 dev br0",
            "ip link set br0 up",
        ]
        for node in self.nodes:
            tap = f"tap{node.number}"
            script += [f"ip tuntap add {tap} mode tap", f"ip link set {tap} master br0", f"ip link set {tap} up"]
        self.exec(["sh", "-ec", "\n".join(script)])
        for node in self.nodes:
            node.start()
        self._each(LabNode.wait_ready)

    def _hold(self) -> None:
        """Make the namespaces, and the process that owns them."""
        words = ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, "-IS", holder.__file__]
        with (self.run_dir / "holder.log").open("w") as log:
            self._holder = subprocess.Popen(
                [*words, "keep"] if self._keep else words,
                stdin=subprocess.DEVNULL if self._keep else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._marked(None),
                start_new_session=True,
            )
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            raise RuntimeError(f"no namespaces: {(self.run_dir / 'holder.log').read_text()}")
        (self.run_dir / "holder.pid").write_text(str(self._holder.pid))

    @property
    def kernel(self) -> str:
        """The kernel that this lab's nodes run."""
        return (self.run_dir / "kernel").read_text()

    @property
    def image(self) -> str:
        """The image that this lab's nodes were started from."""
        return (self.run_dir / "image").read_text()

    def down(self) -> None:
        """End everything, also what a lab in this folder that crashed has left."""
        holder.sweep(self.run_dir)
        for node in self.nodes:
            node.reap()
        if self._holder:
            self._holder.communicate()
            self._holder = None
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def pristine(self) -> None:
        """Make all nodes as new, without a reboot; one that is off, cut off or frozen comes back first.

        Raises:
            RuntimeError: something is left on a node.
        """
        for node in self.nodes:
            node.restore_network()
            if node.running:
                node.thaw()
            else:
                node.start()
        self._each(LabNode.wait_answer)
        self._each(LabNode.empty)

    def _each(self, deed: Callable[[LabNode], object]) -> None:
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(deed, self.nodes))

    # -- work ----------------------------------------------------------------------------------------------------

    def _inside(self, argv: Sequence[str | Path], cwd: Path | str | None) -> list[str]:
        try:
            target = (self.run_dir / "holder.pid").read_text()
        except FileNotFoundError:
            raise RuntimeError(f"no lab is up in {self.run_dir}; start one first") from None
        place = ["env", "-C", str(cwd or Path.cwd())]
        return ["nsenter", f"--target={target}", "--net", "--mount", *place, *map(str, argv)]

    def _marked(self, environment: Mapping[str, str] | None) -> dict[str, str]:
        return {**(os.environ if environment is None else environment), holder.MARK: str(self.run_dir)}

    def exec(self, argv: Sequence[str | Path], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program among the nodes and return how it ended; takes what ``subprocess.run`` takes.

        Raises:
            RuntimeError: it failed, and ``check`` was not turned off; tells what it said.
        """
        options = {"check": True, "text": True, "capture_output": True} | options
        options["env"] = self._marked(options.get("env"))
        check = options.pop("check")
        done = subprocess.run(self._inside(argv, options.pop("cwd", None)), check=False, **options)
        if check and done.returncode:
            words = " ".join(map(str, argv))
            raise RuntimeError(f"{words}: status {done.returncode}\n{done.stdout or ''}{done.stderr or ''}")
        return done

    def popen(self, argv: Sequence[str | Path], **options: Any) -> "subprocess.Popen[str]":
        """Start a program among the nodes; takes what ``subprocess.Popen`` takes."""
        options = {"text": True, "start_new_session": True} | options
        options["env"] = self._marked(options.get("env"))
        return subprocess.Popen(self._inside(argv, options.pop("cwd", None)), **options)

    def mount(self, device: str, options: str = "") -> Path:
        """Mount a gluster volume ``host:name`` where ``exec`` and ``popen`` see it."""
        parent = self.run_dir / "mnt"
        parent.mkdir(exist_ok=True)
        point = Path(tempfile.mkdtemp(prefix=f"{device.rsplit(':', 1)[1]}-", dir=parent))
        words = ["-o", options] if options else []
        self.exec(["mount", "-t", "glusterfs", *words, device, point])
        return point

    def umount(self, point: Path) -> None:
        """Unmount what ``mount`` mounted."""
        self.exec(["umount", point])
        point.rmdir()

    def key(self, kind: str = "ed25519") -> Path:
        """Return a private key that opens all nodes: ed25519, ecdsa or rsa."""
        return CACHE / f"id_{kind}"

    def known_hosts(self) -> str:
        """Return a known_hosts file's text with the keys that the nodes have, under their names and addresses."""
        return "".join(
            f"{node.name},{node.ip} {' '.join(line.split()[:2])}\n"
            for node in self.nodes
            for line in node.ssh("cat /etc/ssh/ssh_host_*_key.pub").stdout.splitlines()
        )

    def topology(
        self, count: int | None = None, disks: int | None = None, zones: Mapping[int, int] | None = None
    ) -> dict[str, Any]:
        """Return a topology file's contents for the first nodes and disks."""
        entries = [
            {
                "node": {
                    "hostnames": {"manage": [node.name], "storage": [node.ip]},
                    "zone": (zones or {}).get(node.number, 1),
                },
                "devices": node.disks[:disks],
            }
            for node in self.nodes[:count]
        ]
        return {"clusters": [{"nodes": entries}]}


def _children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _wait_gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
