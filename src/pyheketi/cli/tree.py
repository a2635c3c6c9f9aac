"""All commands and flags of ``heketi-cli`` (cli.md §1, §6 to 8), in the order in which near misses are suggested."""

from pyheketi.cli.parser import Command, Flag
from pyheketi.cli.values import Kind


def _switch(name: str, help_: str, short: str = "", *, default: bool = False) -> Flag:
    return Flag(name=name, short=short, kind=Kind.SWITCH, default=default, help=help_)


def _text(name: str, help_: str, short: str = "", default: str = "") -> Flag:
    return Flag(name=name, short=short, kind=Kind.TEXT, default=default, help=help_)


def _integer(name: str, help_: str, default: int = 0) -> Flag:
    return Flag(name=name, kind=Kind.INTEGER, default=default, help=help_)


def _texts(name: str, help_: str, short: str = "") -> Flag:
    return Flag(name=name, short=short, kind=Kind.TEXTS, default=(), help=help_)


_DISABLE_HEAL_CHECK = _switch(
    "expert-option-disable-heal-check", "move bricks even if others still need them to heal; may lose data"
)


def _tags(kind: str) -> tuple[Command, Command]:
    """Return the commands that change tags."""
    return (
        Command(
            name="rmtags",
            aliases=("deltags", "removetags"),
            help=f"Take tags off a {kind}",
            arguments=f"{kind.upper()}_ID TAG...",
            action=f"tags.remove_from_{kind}",
            flags=(_switch("all", "take all tags off"),),
            example=f"heketi-cli {kind} rmtags 886a86a868711bef83001 rack",
        ),
        Command(
            name="settags",
            help=f"Give a {kind} tags",
            arguments=f"{kind.upper()}_ID TAG:VALUE...",
            action=f"tags.set_of_{kind}",
            flags=(_switch("exact", "take all other tags off", "e"),),
            example=f"heketi-cli {kind} settags 886a86a868711bef83001 arbiter:required rack:r1",
        ),
    )


_BLOCK_VOLUME = Command(
    name="blockvolume",
    help="Manage block volumes",
    commands=(
        Command(
            name="create",
            help="Make a block volume",
            action="block_volume.create",
            flags=(
                _integer("size", "size in GiB"),
                _text("name", "name; blockvol_ and the id if not given"),
                _integer("ha", "how many hosts export it; all of its hosting volume's if not given"),
                _switch("auth", "ask initiators for a password"),
                _text("clusters", "ids of the clusters to try, separated by commas; all if not given"),
            ),
            example="heketi-cli blockvolume create --size=100 --ha=3 --auth",
        ),
        Command(name="delete", help="Delete a block volume", arguments="BLOCKVOLUME_ID", action="block_volume.delete"),
        Command(
            name="expand",
            help="Make a block volume larger",
            arguments="[BLOCKVOLUME_ID]",
            action="block_volume.expand",
            flags=(
                _integer("new-size", "GiB afterwards, in all"),
                _text("blockvolume", "id of the block volume"),
            ),
            example="heketi-cli blockvolume expand --blockvolume=60d46d518074b13a04ce1022c8c7193c --new-size=20",
        ),
        Command(name="info", help="Show a block volume", arguments="BLOCKVOLUME_ID", action="block_volume.show"),
        Command(name="list", help="List all block volumes", action="block_volume.show_all"),
    ),
)

_BRICK = Command(
    name="brick",
    help="Manage bricks",
    commands=(
        Command(
            name="evict",
            help="Move a brick to another device",
            arguments="BRICK_ID",
            action="brick.evict",
            flags=(_DISABLE_HEAL_CHECK,),
        ),
    ),
)

_CLUSTER = Command(
    name="cluster",
    help="Manage clusters",
    commands=(
        Command(
            name="create",
            help="Make an empty cluster",
            action="cluster.create",
            flags=(
                _switch("block", "block volumes may be made on it", default=True),
                _switch("file", "file volumes may be made on it", default=True),
            ),
            example="heketi-cli cluster create\nheketi-cli cluster create --block=false",
        ),
        Command(
            name="delete",
            help="Delete a cluster without nodes and volumes",
            arguments="CLUSTER_ID",
            action="cluster.delete",
        ),
        Command(
            name="info",
            help="Show a cluster",
            arguments="CLUSTER_ID",
            action="cluster.show",
        ),
        Command(name="list", help="List all clusters", action="cluster.show_all"),
        Command(
            name="setflags",
            help="Say which volumes may be made on a cluster",
            arguments="CLUSTER_ID",
            action="cluster.set_flags",
            flags=(
                _text("block", "true or false: block volumes may be made on it"),
                _text("file", "true or false: file volumes may be made on it"),
            ),
            example="heketi-cli cluster setflags --block=false 886a86a868711bef83001",
        ),
    ),
)

_DEVICE = Command(
    name="device",
    help="Manage devices",
    commands=(
        Command(
            name="add",
            help="Add a device to a node",
            action="device.add",
            flags=(
                _text("name", "path of the device on its node, such as /dev/sdb"),
                _text("node", "id of the node"),
                _switch("destroy-existing-data", "wipe what is on the device, where that is safe"),
            ),
            example="heketi-cli device add --name=/dev/sdb --node=3e098cb4407d7109806bb196d9e8f095",
        ),
        Command(
            name="delete",
            help="Delete a removed device",
            arguments="DEVICE_ID",
            action="device.delete",
            flags=(_switch("force-forget", "forget the device, whatever its node says"),),
        ),
        Command(
            name="disable",
            help="Put no new bricks on a device",
            arguments="DEVICE_ID",
            action="device.disable",
        ),
        Command(name="enable", help="Use a device again", arguments="DEVICE_ID", action="device.enable"),
        Command(name="info", help="Show a device", arguments="DEVICE_ID", action="device.show"),
        Command(
            name="remove",
            help="Move all bricks off a disabled device",
            arguments="DEVICE_ID",
            action="device.remove",
            flags=(_DISABLE_HEAL_CHECK,),
        ),
        Command(
            name="resync",
            help="Read the size of a device anew from its node",
            arguments="DEVICE_ID",
            action="device.resync",
            flags=(_switch("cluster", "the id is that of a cluster, read all its devices"),),
        ),
        *_tags("device"),
    ),
)

_DATABASE = Command(
    name="db",
    help="Look at the server's database",
    commands=(
        Command(
            name="check",
            help="Look for contradictions",
            action="database.check",
            flags=(
                _switch("explain", "say in words what each means and what to do"),
                _switch("repair", "show what would be repaired, and the commands that do it; nothing is done"),
            ),
            example="heketi-cli db check --explain",
        ),
        Command(name="dump", help="Print everything as JSON, passwords included", action="database.dump"),
    ),
)

_SET_UP = Command(
    name="setup-openshift-heketi-storage",
    aliases=("setup-heketi-db-storage", "setup-kubernetes-heketi-storage"),
    help="Make a volume for the database, and a list for Kubernetes that copies the database there",
    action="openshift.set_up",
    flags=(
        _text("listfile", "file to write", default="heketi-storage.json"),
        _text("image", "container image of the job that copies", default="heketi/heketi:dev"),
        _text("durability", "replicate or none", default="replicate"),
        _integer("replica", "copies of a replicate volume", 3),
        _text("gluster-volume-options", "options for gluster instead of the usual ones, separated by commas"),
        _text("append-volume-options", "more options for gluster, separated by commas"),
        _text("node-selector", "key=value of the nodes that the job may run on"),
    ),
    example="heketi-cli setup-openshift-heketi-storage --image=registry.example.com/heketi:10",
)

_COMPLETION = Command(
    name="completion",
    help="Print a script that lets a shell complete commands",
    commands=tuple(
        Command(
            name=shell.lower(),
            help=f"For {shell}",
            action=f"completion.{shell.lower()}",
            flags=(_switch("no-descriptions", "names only"),),
        )
        for shell in ("bash", "fish", "PowerShell", "zsh")
    ),
)

_NODE = Command(
    name="node",
    help="Manage nodes",
    commands=(
        Command(
            name="add",
            help="Add a node to a cluster",
            action="node.add",
            flags=(
                _integer("zone", "failure zone of the node, 1 or more"),
                _text("cluster", "id of the cluster"),
                _text("management-host-name", "name by which the server reaches the node"),
                _text("storage-host-name", "name for gluster; an IP address if Kubernetes is to use it"),
            ),
            example=(
                "heketi-cli node add --zone=3 --cluster=3e098cb4407d7109806bb196d9e8f095 \\\n"
                "    --management-host-name=node1-manage.example.com --storage-host-name=192.168.10.11"
            ),
        ),
        Command(name="delete", help="Delete a node without devices", arguments="NODE_ID", action="node.delete"),
        Command(name="disable", help="Put no new bricks on a node", arguments="NODE_ID", action="node.disable"),
        Command(name="enable", help="Use a node again", arguments="NODE_ID", action="node.enable"),
        Command(name="info", help="Show a node", arguments="NODE_ID", action="node.show"),
        Command(name="list", help="List all nodes", action="node.show_all"),
        Command(
            name="remove",
            help="Move all bricks off a disabled node",
            arguments="NODE_ID",
            action="node.remove",
        ),
        *_tags("node"),
    ),
)

_STATE = Command(
    name="state",
    help="Compare what there is with the database",
    commands=(
        Command(
            name="examine",
            help="Look at what nodes have",
            commands=(
                Command(
                    name="gluster",
                    help="Print the database and what all nodes have as JSON, passwords included",
                    action="server.examine",
                ),
            ),
        ),
        Command(
            name="compare",
            help="Tell which volumes only heketi, only gluster or only Kubernetes has, and what to do about it",
            action="state.compare",
            failure=2,
            flags=(
                _texts("gluster", "compare with the output of 'gluster volume info [--xml]' in this file", "g"),
                _text("pv", "compare also with the output of 'kubectl get pv -o yaml' in this file, - for input", "y"),
                _text("heketi", "instead of asking the server, read what it once said to 'db dump' or examine", "j"),
                _switch("bricks", "compare bricks, one by one"),
                _switch("skip-ok", "leave out what is the same everywhere", "K"),
                _switch("skip-block", "leave out block volumes"),
                _switch("no-header", "leave out the first line", "H"),
                _texts("ignore", "leave out volumes of this name"),
                _texts("storage-class", "only persistent volumes of this class, and no volume of others", "S"),
            ),
            example="kubectl get pv -o yaml | heketi-cli server state compare --pv - --skip-ok",
        ),
        Command(
            name="orphans",
            help="List bricks on nodes that neither the database nor gluster knows, and remove them",
            arguments="[BRICK...]",
            action="orphans.run",
            failure=2,
            flags=(
                _text("cluster", "only on nodes of this cluster"),
                _text("node", "only on this node"),
                _switch("delete", "tell how the named bricks would be removed; nothing is done without --yes"),
                _switch("yes", "remove them"),
            ),
            example="heketi-cli server state orphans --delete --yes 1bb2bf8bb0ff9ca9e12a7e0b1b6ae3e4",
        ),
        Command(
            name="bricks",
            help="List bricks that do not serve as they should, after a reboot for example, and mend them",
            arguments="[BRICK...]",
            action="bricks_state.run",
            failure=2,
            flags=(
                _text("node", "only on this node"),
                _switch("mend", "mount the named bricks and start their gluster processes"),
                _switch("all", "mend all that can be mended"),
            ),
            example="heketi-cli server state bricks --mend --all",
        ),
    ),
)

_SERVER = Command(
    name="server",
    help="Look after the server",
    commands=(
        Command(
            name="mode",
            help="Say who may change anything",
            commands=(
                Command(name="get", help="Show the mode", action="server.mode_get"),
                Command(
                    name="set",
                    help="Change the mode; out of read-only, only SIGUSR2 or a restart of the server leads",
                    arguments="normal|local-client|read-only",
                    action="server.mode_set",
                ),
            ),
        ),
        Command(
            name="operations",
            help="Look after operations that have not ended",
            commands=(
                Command(
                    name="cleanup",
                    help="Bring stuck operations to an end; all of them if none is named",
                    arguments="[OPERATION_ID]...",
                    action="server.operations_cleanup",
                ),
                Command(
                    name="history",
                    help="List operations that have ended, the latest first: who asked for what, and how it ended",
                    action="history.run",
                    flags=(
                        _integer("limit", "how many at most", 100),
                        _text(
                            "since", "only those that ended since: 2026-11-21, 2026-11-21T09:15, or 90m, 12h, 7d ago"
                        ),
                    ),
                    example="heketi-cli server operations history --since=7d",
                ),
                Command(
                    name="info",
                    help="Count operations, or show one",
                    arguments="[OPERATION_ID]",
                    action="server.operations_info",
                ),
                Command(name="list", help="List operations", action="server.operations_list"),
                Command(
                    name="steps",
                    help="Show the steps of operations, what is done of them, and what each waits for",
                    arguments="[OPERATION_ID]...",
                    action="steps.run",
                ),
            ),
        ),
        _STATE,
    ),
)

_LOG_LEVEL = Command(
    name="loglevel",
    help="Say what the server logs",
    commands=(
        Command(name="get", help="Show the level", action="server.log_level_get"),
        Command(
            name="set",
            help="Change the level until the server is started again",
            arguments="none|critical|error|warning|info|debug",
            action="server.log_level_set",
        ),
    ),
)

_TOPOLOGY = Command(
    name="topology",
    help="Load and show the topology",
    commands=(
        Command(
            name="info",
            help="Show all clusters with everything in them",
            action="topology.show",
            example=(
                "heketi-cli topology info --template "
                "'{% for cluster in clusters %}{{ cluster.id }}: {{ cluster.volumes | length }} volumes\\n{% endfor %}'"
            ),
            flags=(_text("template", "print this Jinja2 template, filled with what --json prints", "T"),),
        ),
        Command(
            name="load",
            help="Add what is in a file and missing at the server",
            action="topology.load",
            flags=(_text("json", "topology file in JSON", "j"),),
            example="heketi-cli topology load --json=topology.json",
        ),
    ),
)

_VOLUME = Command(
    name="volume",
    help="Manage volumes",
    commands=(
        Command(
            name="clone",
            help="Make a volume that begins as a copy of another",
            arguments="VOLUME_ID",
            action="volume.clone",
            flags=(_text("name", "name of the clone; vol_ and the id if not given"),),
        ),
        Command(
            name="create",
            help="Make a volume",
            action="volume.create",
            flags=(
                _integer("size", "size in GiB"),
                _text("name", "name; vol_ and the id if not given"),
                _text("durability", "none, replicate or disperse", default="replicate"),
                _integer("replica", "copies of a replicate volume", 3),
                _integer("disperse-data", "data bricks in a set of a disperse volume", 4),
                _integer("redundancy", "bricks that a set of a disperse volume may lose", 2),
                _integer("gid", "group that may write"),
                Flag(
                    name="snapshot-factor",
                    kind=Kind.NUMBER,
                    default=1.0,
                    help="space for snapshots: times the size of the volume",
                ),
                _text("clusters", "ids of the clusters to try, separated by commas; all if not given"),
                _text("gluster-volume-options", "options for gluster, 'key value', separated by commas"),
                _switch("block", "the volume is to hold block volumes"),
                _switch("persistent-volume", "print a persistent volume for Kubernetes"),
                _text("persistent-volume-file", "write a persistent volume for Kubernetes to this file"),
                _text("persistent-volume-endpoint", "endpoint for the persistent volume"),
            ),
            example=(
                "heketi-cli volume create --size=100\n"
                "heketi-cli volume create --size=100 --replica=2 --name=www\n"
                "heketi-cli volume create --size=100 --durability=disperse --disperse-data=2 --redundancy=1"
            ),
        ),
        Command(name="delete", help="Delete a volume", arguments="VOLUME_ID", action="volume.delete"),
        Command(
            name="endpoint",
            help="Help with endpoints of Kubernetes",
            commands=(
                Command(
                    name="patch",
                    help="Print a patch that gives an endpoint the volume's hosts",
                    arguments="VOLUME_ID",
                    action="volume.patch_endpoint",
                    example='kubectl patch ep glusterfs -p "$(heketi-cli volume endpoint patch 886a86a868711bef83001)"',
                ),
            ),
        ),
        Command(
            name="expand",
            help="Make a volume larger",
            arguments="[VOLUME_ID]",
            action="volume.expand",
            flags=(
                _integer("expand-size", "GiB to add"),
                _text("volume", "id of the volume"),
            ),
            example="heketi-cli volume expand --volume=60d46d518074b13a04ce1022c8c7193c --expand-size=10",
        ),
        Command(name="info", help="Show a volume", arguments="VOLUME_ID", action="volume.show"),
        Command(name="list", help="List all volumes", action="volume.show_all"),
        Command(
            name="set-block-hosting-restriction",
            help="Say whether a block hosting volume takes more block volumes",
            commands=(
                Command(
                    name="locked", help="It takes no more block volumes", arguments="VOLUME_ID", action="volume.lock"
                ),
                Command(
                    name="unlocked", help="It takes block volumes again", arguments="VOLUME_ID", action="volume.unlock"
                ),
            ),
        ),
    ),
)

ROOT = Command(
    name="heketi-cli",
    help="GlusterFS volumes on demand: the command line client",
    action="root.version_or_usage",
    flags=(_switch("version", "print the version", "v"),),
    inherited=(
        _text("server", "address of the server; or set HEKETI_CLI_SERVER", "s"),
        _text("user", "admin or user; or set HEKETI_CLI_USER"),
        _text("secret", "key of the user; or set HEKETI_CLI_KEY"),
        _switch("json", "print JSON"),
        _switch("insecure-tls", "do not verify the server's certificate", "I"),
        Flag(
            name="tls-cert",
            short="C",
            kind=Kind.TEXTS,
            default=(),
            help="trust the certificates in these files instead of the system's",
        ),
    ),
    commands=(
        _BLOCK_VOLUME,
        _BRICK,
        _CLUSTER,
        _DATABASE,
        _DEVICE,
        _SET_UP,
        _LOG_LEVEL,
        _NODE,
        _SERVER,
        _TOPOLOGY,
        _VOLUME,
        _COMPLETION,
        Command(name="help", help="Show help for a command", arguments="[command]", action="root.help_for"),
    ),
    example="heketi-cli volume list",
)
"""The program."""
