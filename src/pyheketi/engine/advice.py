"""What a person can do about what went wrong on a node, for those who know neither gluster nor LVM by heart.

Programs on nodes say what they could not do, seldom why, and never what helps. The first row that fits tells that.
``docs/admin.md`` has the same, in the order in which people look for it.
"""

import re

_ROWS = (
    (
        (
            r"Unable to reach node|Transport endpoint is not connected|peers are down|peers is probably down"
            r"|is not connected"
        ),
        (
            "A node is away, or its glusterd: `gluster peer status` on another node tells which one. Start it and try"
            " again; if it is gone for good, remove it (heketi-cli node remove)."
        ),
    ),
    (
        r"did not finish within",
        (
            "The node is very slow, or hangs: look there for tasks that wait for a disk (dmesg, ps) and for gluster's"
            " (gluster volume status)."
        ),
    ),
    (
        r"glusterd is not running|gluster daemon is operational",
        "Start glusterd there (systemctl start glusterd), its log is /var/log/glusterfs/glusterd.log.",
    ),
    (
        r"is not in 'Peer in Cluster' state",
        (
            "`gluster peer status` on all nodes tells who does not take whom for a member; for 'Peer Rejected' follow"
            " gluster's guide to resolving it, then try again."
        ),
    ),
    (
        r"target is busy",
        (
            "Something still uses it, often a brick process of a peer that is rejected or that missed a command: see"
            " `gluster peer status` and `lsof` of the mount point there."
        ),
    ),
    (
        r"is not started|is not in started state",
        "Somebody stopped the volume: `gluster volume start` it, and try again.",
    ),
    (
        r"knows no volume|[Vv]olume \S+ does not exist",
        "Somebody deleted the volume with gluster: delete it here as well (heketi-cli volume delete).",
    ),
    (
        r"supported only for thin provisioned LV",
        (
            "Some brick of the volume is not mounted, or lies on no thin LV: `heketi-cli server state bricks` tells"
            " which one, and mounts it with --mend."
        ),
    ),
    (
        r"No space left on device|reached threshold|is above threshold",
        (
            "A thin pool is full: `lvs` on the nodes of the volume tells which one; delete snapshots and clones, or"
            " lvextend it."
        ),
    ),
    (
        r"insufficient free space",
        (
            "Something else takes space of that volume group (lvs): remove it, or have it counted"
            " (heketi-cli device resync)."
        ),
    ),
    (
        r"for writing at|Read-only file system|Input/output error",
        (
            "The disk is read-only or failing (dmesg): make it writable again, or remove its device"
            " (heketi-cli device remove)."
        ),
    ),
    (
        r"Volume group \S+ not found|Failed to find device",
        (
            "The disk or its volume group is missing (lsblk, vgs): bring it back, or remove its device"
            " (heketi-cli device remove)."
        ),
    ),
    (
        r"still contains \d+ logical volume",
        (
            "Something is left in the volume group: `heketi-cli server state orphans` lists bricks that belong to"
            " nobody, and removes them; `lvs` shows the rest."
        ),
    ),
    (
        r"Commit failed on|Staging failed on|Pre Validation failed",
        (
            "The node that is named refused: its /var/log/glusterfs/glusterd.log tells why; look there for bricks that"
            " are not mounted and for full thin pools (mount, lvs)."
        ),
    ),
)
_COMPILED = tuple((re.compile(pattern), advice) for pattern, advice in _ROWS)


def advised(text: str) -> str:
    """Return the text of an error, with a line below it that tells what to do, as far as that can be known."""
    advice = next((advice for pattern, advice in _COMPILED if pattern.search(text)), "")
    return f"{text}\n{advice}" if advice and advice not in text else text
