#!/bin/bash
# Get the User Mode Linux kernel of the lab's nodes. Run as root: kernel.sh DIRECTORY; writes DIRECTORY/modules/VERSION,
# then DIRECTORY/linux, which stays where it is.
#
# Since 6.16 these kernels can run a guest's processes without ptrace(2), where starting one takes a quarter of the time
# that Debian 12's own kernel needs (README.md has figures). So the newest kernel that Debian has, and that starts here,
# is taken, with the C library that it was linked with, into DIRECTORY alone: the host's own packages stay as they are.
set -euo pipefail
out=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
work=$(mktemp -d "$out/kernel.XXXXXX")
trap 'rm -rf "$work"' EXIT

mirror=$({ cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true; } |
    sed -nE '/^(URIs:|deb( +\[[^]]*\])?) +([^ ]+).*/{s//\3/p;q}')

fetch() { # SUITE DIRECTORY: unpack that suite's kernel and C library there
    local apt=$2/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$2/packages"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $1 main" >"$apt/sources.list"
    # Signatures are checked as always; a mirror may be some weeks behind, whose lists say that they have expired.
    cat >"$apt/apt.conf" <<A
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
Acquire::Check-Valid-Until "false";
Acquire::Languages "none";
APT::Sandbox::User "root";
A
    APT_CONFIG=$apt/apt.conf apt-get update -qq || return 1
    (cd "$2/packages" && APT_CONFIG=$apt/apt.conf apt-get download -qq "user-mode-linux/$1" "libc6/$1") || return 1
    local package
    for package in "$2"/packages/*.deb; do dpkg -x "$package" "$2/root" || return 1; done
}

starts() { # KERNEL: whether a guest on it comes so far as to run a program, and says so
    local said
    said=$(TMPDIR=/dev/shm timeout --kill-after=5 60 "$1" mem=256M rootfstype=hostfs rootflags=/ \
        init="$here/kernel-check" seccomp=auto quiet con=null con0=null,fd:1 ssl=null </dev/null 2>&1) || true
    [[ $said == *"the kernel runs programs"* ]]
}

take() { # KERNEL MODULES
    mkdir -p "$out/modules"
    cp -a "$2/$("$1" --version)" "$out/modules/"
    mv "$1" "$out/linux"
}

for suite in sid trixie; do
    if fetch "$suite" "$work/$suite" >"$work/$suite.log" 2>&1; then
        root=$work/$suite/root
        mkdir -p "$out/lib"
        cp -a "$root"/usr/lib/x86_64-linux-gnu/{ld-linux-x86-64.so.2,libc.so.6} "$out/lib/"
        patchelf --set-interpreter "$out/lib/ld-linux-x86-64.so.2" --set-rpath "$out/lib" "$root/usr/bin/linux.uml"
        if starts "$root/usr/bin/linux.uml"; then
            take "$root/usr/bin/linux.uml" "$root/usr/lib/uml/modules"
            exit 0
        fi
    fi
    echo "lab: no kernel of Debian $suite runs here; trying an older one" >&2
done
dpkg --status user-mode-linux >/dev/null 2>&1 ||
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends user-mode-linux >/dev/null
cp "$(command -v linux.uml)" "$work/linux"
take "$work/linux" /usr/lib/uml/modules
