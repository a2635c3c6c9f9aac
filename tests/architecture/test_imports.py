"""The picture in ARCHITECTURE.md, enforced."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_import_contracts() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_a_server_without_kubernetes_does_not_load_what_is_for_it() -> None:
    program = "import sys, pyheketi.server; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"websockets", "yaml", "httpx2", "pyheketi.kubernetes"}.isdisjoint(result.stdout.split())


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "src").rglob("*.py")
        if not path.read_text().lstrip().startswith('"""')
    ]
    assert silent == []


def test_nothing_of_this_machine_or_of_registries_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    words = ["/" + "work/", "files.python" + "hosted", "registry." + "npmjs", "deb." + "debian.org", "py" + "pi.org"]
    found = []
    for name in filter(None, listed.split("\0")):
        text = (ROOT / name).read_bytes().decode(errors="ignore")
        found += [f"{name}: {word}" for word in words if word in text]
    assert found == []
