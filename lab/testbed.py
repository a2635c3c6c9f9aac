"""Real GlusterFS nodes on one machine, each a User Mode Linux guest, in a network namespace of their own.

Needs root on Debian, /dev/net/tun and /dev/fuse. Everything that a lab starts lives in its network namespace; taking
the lab down ends whatever is in there, also what an earlier lab that crashed has left.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("PYHEKETI_LAB_CACHE", "/var/tmp/pyheketi-lab"))
_HERE = Path(__file__).resolve().parent
_PR_SET_PDEATHSIG = 1
_MEMORY = "768M"

_EMPTY = """
systemctl stop glusterd; pkill -9 '^gluster' ; sleep 0.2
awk '$2 ~ "^/var/lib/heketi/" { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount -l
sed -i '/heketi/d' /etc/fstab; rm -f /etc/fstab.save
for vg in $(vgs --noheadings -o vg_name); do vgremove -ff -y -q $vg; done
for pv in $(pvs --noheadings -o pv_name); do pvremove -ff -y -q $pv; done
for disk in DISKS; do wipefs -a -q $disk; done
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
    def disks(self) -> list[str]:
        """Spare disks as the node names them."""
        return [f"/dev/ubd{chr(ord('b') + index)}" for index in range(self.lab.disks)]

    def start(self) -> None:
        """Switch the node on, without waiting for it."""
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
            "linux.uml",
            f"mem={_MEMORY}",
            f"umid={self.name}",
            f"uml_dir={self.home}/",
            f"ubd0={self.home / 'root.cow'},{CACHE / 'root.ext4'}",
            *disks,
            "con=null",
            "con0=null,fd:1",
            "ssl=null",
            f"vec0:transport=tap,ifname=tap{self.number},depth=128,gro=1,mac={mac}",
            *("root=/dev/ubda", "rw", "net.ifnames=0", "audit=0", "mitigations=off", "quiet"),
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
        """Wait until the node's glusterd answers."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.ssh("systemctl is-active --quiet glusterd", check=False, timeout=15).returncode == 0:
                return
            time.sleep(0.3)
        raise TimeoutError(f"{self.name} is not ready after {timeout:g} s:\n{(self.home / 'console.log').read_text()}")

    def ssh(self, command: str, *, check: bool = True, timeout: float = 120) -> "subprocess.CompletedProcess[str]":
        """Run a shell command on the node as root."""
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
        try:
            done = self.lab.exec(
                ["ssh", "-n", "-F", "none", *words, f"root@{self.ip}", command], check=False, timeout=timeout
            )
        except subprocess.TimeoutExpired:
            if check:
                raise
            return subprocess.CompletedProcess([command], 255, "", "timeout")
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {command}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def power_cut(self) -> None:
        """Take the node's power: what is on its disks stays."""
        pid = int((self.home / "pid").read_text())
        _kill(pid)
        if self._process:
            self._process.wait()
        else:
            _wait_gone(pid)
        (self.home / "ssh").unlink(missing_ok=True)

    def forget(self) -> None:
        """Take note of the end of the node's process, after ``Lab.down`` has killed it."""
        if self._process:
            self._process.wait()
            self._process = None

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
        pid = int((self.home / "pid").read_text())
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            os.kill(int(child), number)


class Lab:
    """Some nodes, and a place among them for servers and clients."""

    def __init__(
        self,
        run_dir: Path,
        *,
        nodes: int = 4,
        disks: int = 2,
        disk_gib: int = 20,
        net: str = "10.77.0",
        keep: bool = False,
    ) -> None:
        """``keep`` lets the nodes outlive this process; otherwise they die with it, however it dies."""
        self.run_dir = Path(run_dir).resolve()
        self.disks, self.disk_gib, self.net, self._keep = disks, disk_gib, net, keep
        self.nodes = [LabNode(self, number) for number in range(1, nodes + 1)]
        self._holder: subprocess.Popen[bytes] | None = None

    # -- life ----------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Build the image if need be, start all nodes on empty disks, and wait for them."""
        self.down()
        subprocess.run([_HERE / "image.sh", CACHE], check=True)
        self.run_dir.mkdir(parents=True)
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--propagation", "private", "sleep", "infinity"],
            preexec_fn=None if self._keep else _die_with_parent,  # noqa: PLW1509  # one system call
            start_new_session=True,
        )
        (self.run_dir / "holder.pid").write_text(str(self._holder.pid))
        while _namespace(self._holder.pid) in ("", _namespace(os.getpid())):
            time.sleep(0.01)
        time.sleep(0.05)
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

    def down(self) -> None:
        """End everything, also what a lab with this folder that crashed has left."""
        pid_file = self.run_dir / "holder.pid"
        if pid_file.exists():
            holder = int(pid_file.read_text())
            namespace = _namespace(holder)
            if namespace and namespace != _namespace(os.getpid()):
                for process in Path("/proc").iterdir():
                    if (
                        process.name.isdigit()
                        and int(process.name) != holder
                        and _namespace(int(process.name)) == namespace
                    ):
                        _kill(int(process.name))
                _kill(holder)
        for node in self.nodes:
            node.forget()
        if self._holder:
            self._holder.wait()
            self._holder = None
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def pristine(self) -> None:
        """Make all nodes as new, without a reboot.

        Raises:
            RuntimeError: something is left on a node.
        """
        for node in self.nodes:
            node.restore_network()
        self._each(lambda node: node.ssh(_EMPTY.replace("DISKS", " ".join(node.disks)), check=False))
        self._each(LabNode.wait_ready)
        for node in self.nodes:
            if left := node.ssh(_LEFT, check=False).stdout.strip():
                raise RuntimeError(f"{node.name} is not empty:\n{left}")

    def _each(self, deed: Any) -> None:
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(deed, self.nodes))

    # -- work ----------------------------------------------------------------------------------------------------

    def _inside(self, argv: Sequence[str | Path], cwd: Path | str | None) -> list[str]:
        holder = (self.run_dir / "holder.pid").read_text()
        place = str(cwd or Path.cwd())
        return ["nsenter", f"--target={holder}", "--net", "--mount", "env", "-C", place, *map(str, argv)]

    def exec(self, argv: Sequence[str | Path], **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program among the nodes and return how it ended; takes what ``subprocess.run`` takes.

        Raises:
            RuntimeError: it failed, and ``check`` was not turned off; tells what it said.
        """
        options = {"check": True, "text": True, "capture_output": True} | options
        check = options.pop("check")
        done = subprocess.run(self._inside(argv, options.pop("cwd", None)), check=False, **options)
        if check and done.returncode:
            words = " ".join(map(str, argv))
            raise RuntimeError(f"{words}: status {done.returncode}\n{done.stdout or ''}{done.stderr or ''}")
        return done

    def popen(self, argv: Sequence[str | Path], **options: Any) -> "subprocess.Popen[str]":
        """Start a program among the nodes; takes what ``subprocess.Popen`` takes."""
        options = {"text": True, "start_new_session": True} | options
        if not self._keep:
            options["preexec_fn"] = _die_with_parent
        return subprocess.Popen(self._inside(argv, options.pop("cwd", None)), **options)

    def mount(self, device: str, options: str = "") -> Path:
        """Mount a gluster volume ``host:name`` where ``exec`` and ``popen`` see it."""
        point = self.run_dir / "mnt" / device.rsplit(":", 1)[1]
        point.mkdir(parents=True, exist_ok=True)
        words = ["-o", options] if options else []
        self.exec(["mount", "-t", "glusterfs", *words, device, point])
        return point

    def umount(self, point: Path) -> None:
        """Unmount what ``mount`` mounted."""
        self.exec(["umount", point])

    def key(self, kind: str = "ed25519") -> Path:
        """Return a private key that opens all nodes: ed25519, ecdsa or rsa."""
        return CACHE / f"id_{kind}"

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


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _wait_gone(pid: int) -> None:
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.05)
