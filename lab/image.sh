#!/bin/bash
# Build the root file system of the lab's nodes: Debian with systemd, udev, LVM, XFS, glusterd and sshd, and the modules
# of the User Mode Linux kernel. Run as root: image.sh [DIRECTORY]; prints the paths of kernel and image.
# An image is named for its recipe, so that a new recipe does not pull the disk from under the nodes of a running lab.
set -euo pipefail
out=${1:-${PYHEKETI_LAB_CACHE:-/var/tmp/pyheketi-lab}}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
exec 9>"$out/lock"
flock 9
named() { sha256sum | cut -c 1-12; }
kernel=$out/kernel-$(cat "$here/kernel.sh" "$here/kernel-check" | named)
image=$out/root-$(cat "$here/image.sh" "$here/gluster-block" <(basename "$kernel") | named).ext4
if [ -f "$kernel/linux" ] && [ -f "$image" ]; then
    printf '%s\n' "$kernel/linux" "$image"
    exit 0
fi

need=(mmdebstrap patchelf e2fsprogs kmod iproute2 openssh-client procps util-linux glusterfs-client)
missing=()
for package in "${need[@]}"; do dpkg --status "$package" >/dev/null 2>&1 || missing+=("$package"); done
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 9>&-
fi

"$here/kernel.sh" "$kernel"
version=$("$kernel/linux" --version)

for kind in ed25519 ecdsa rsa; do
    [ -f "$out/id_$kind" ] || ssh-keygen -q -t $kind -N '' -C lab -f "$out/id_$kind"
done

work=$(mktemp -d "$out/root.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
packages=systemd-sysv,udev,dbus,kmod,procps,iproute2,iputils-ping,openssh-server,sudo,lvm2,thin-provisioning-tools
packages+=,xfsprogs,attr,glusterfs-server,glusterfs-client,fuse3,python3
. /etc/os-release
mmdebstrap --quiet --variant=minbase --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    "$VERSION_CODENAME" "$root" $(ls /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | head -1)

mkdir -p "$root/lib/modules"
cp -a "$kernel/modules/$version" "$root/lib/modules/"
depmod -b "$root" "$version"
printf '%s\n' dm-mod dm-thin-pool dm-snapshot fuse loop >"$root/etc/modules-load.d/lab.conf"

install -m 755 "$here/gluster-block" "$root/usr/local/sbin/gluster-block"

# Geo-replication starts some twenty Python processes whenever glusterd starts: 18 s here, for nothing.
rm -f "$root"/usr/lib/*/glusterfs/gsyncd

# Who may log in: root, and a user that needs sudo.
chroot "$root" useradd --create-home --shell /bin/bash heketi
echo 'heketi ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/heketi"
chmod 440 "$root/etc/sudoers.d/heketi"
for home in /root /home/heketi; do
    mkdir -p "$root$home/.ssh"
    cat "$out"/id_*.pub >"$root$home/.ssh/authorized_keys"
    chmod 700 "$root$home/.ssh"
    chmod 600 "$root$home/.ssh/authorized_keys"
done
chroot "$root" chown -R heketi:heketi /home/heketi
# Nothing here watches thin pools, and only the spare disks can be physical volumes: README.md has what that brings.
cat >"$root/etc/lvm/lvmlocal.conf" <<'X'
activation { monitoring = 0 }
devices { global_filter = [ "a|^/dev/ubd[b-z]$|", "r|.*|" ] }
X
printf '%s\n' 'PermitRootLogin prohibit-password' 'UseDNS no' 'MaxStartups 100' >"$root/etc/ssh/sshd_config.d/lab.conf"

# Name and address of a node come from the kernel's command line.
cat >"$root/usr/local/sbin/lab-node" <<'X'
#!/bin/sh
for word in $(cat /proc/cmdline); do
    case $word in
        lab.name=*) name=${word#*=} ;;
        lab.ip=*) ip=${word#*=} ;;
        lab.hosts=*) hosts=${word#*=} ;;
        lab.udev=no) udev=no ;;
    esac
done
if [ "$udev" = no ] && ! grep -q udev /etc/lvm/lvmlocal.conf; then
    sed -i 's/^activation {/& udev_sync = 0 udev_rules = 0/; s/^devices {/& obtain_device_list_from_udev = 0/' \
        /etc/lvm/lvmlocal.conf
fi
hostname "$name"
echo "$name" >/etc/hostname
ip link set lo up
ip addr add "$ip" dev vec0 2>/dev/null || ip addr add "$ip" dev eth0
ip link set vec0 up 2>/dev/null || ip link set eth0 up
{ echo 127.0.0.1 localhost; echo "$hosts" | tr , '\n' | tr = ' '; } >/etc/hosts
X
chmod 755 "$root/usr/local/sbin/lab-node"
cat >"$root/etc/systemd/system/lab-node.service" <<'X'
[Unit]
DefaultDependencies=no
After=local-fs.target systemd-udev-trigger.service
Before=network.target ssh.service glusterd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-node
[Install]
WantedBy=sysinit.target
X
mkdir -p "$root/etc/systemd/system.conf.d" "$root/etc/systemd/system/systemd-udev-trigger.service.d"
printf '[Manager]\nDefaultTimeoutStopSec=4s\n' >"$root/etc/systemd/system.conf.d/lab.conf"
cat >"$root/etc/systemd/system/systemd-udev-trigger.service.d/lab.conf" <<'X'
[Service]
ExecStart=
ExecStart=-udevadm trigger --type=devices --action=add --subsystem-match=block --subsystem-match=net --subsystem-match=misc
X
: >"$root/etc/fstab"
chroot "$root" systemctl --quiet enable lab-node.service ssh.service glusterd.service
chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer getty@tty1.service serial-getty@tty0.service console-getty.service \
    systemd-timesyncd.service systemd-networkd.service systemd-update-utmp.service systemd-random-seed.service \
    systemd-logind.service rpcbind.service rpcbind.socket systemd-journal-flush.service systemd-binfmt.service \
    proc-sys-fs-binfmt_misc.automount lvm2-monitor.service systemd-remount-fs.service kmod-static-nodes.service \
    dev-mqueue.mount dev-hugepages.mount sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount \
    systemd-sysusers.service systemd-tmpfiles-clean.timer blk-availability.service
chroot "$root" systemctl --quiet set-default multi-user.target
rm -f "$root/var/lib/glusterd/glusterd.info" "$root/etc/machine-id"
: >"$root/etc/machine-id"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*

truncate -s 4G "$work/root.ext4"
mkfs.ext4 -q -F -O ^metadata_csum -E lazy_itable_init=1 -L root -d "$root" "$work/root.ext4"
mv "$work/root.ext4" "$image"
touch "$kernel" # it may have been there for long
for old in root-*.ext4 kernel-*; do # the one before may be in use
    ls -dt "$out"/$old | tail -n +3 | xargs -r rm -rf
done
printf '%s\n' "$kernel/linux" "$image"
