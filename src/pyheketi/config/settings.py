"""All settings, with their units, defaults and reasons (config.md §1). Names are those of the keys in heketi.json."""

from dataclasses import dataclass, field

from pyheketi.config.injection import Injection

_NOTHING_GOES_WRONG = Injection()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """How nodes are set up; keys of ``sshexec`` or ``kubeexec``, whichever the executor is."""

    fstab: str = "/etc/fstab"
    """File on the node that gets a line for each brick."""
    mountopts: str = "rw,inode64,noatime,nouuid"
    """Mount options of bricks."""
    sudo: bool = False
    """Whether scripts run through sudo; the user must be allowed to run anything without password."""
    snapshot_limit: int = 0
    """Highest number of snapshots of a volume, set in gluster when a node joins; 0 leaves gluster's own."""
    rebalance_on_expansion: bool = True
    """Whether a volume is rebalanced after it grew. Only the environment can turn it off, as in Heketi."""
    backup_lvm_metadata: bool = False
    """Whether LVM keeps a copy of its metadata at every change."""
    gluster_cli_timeout: int = 600
    """Seconds that the gluster command line waits for glusterd."""
    pv_data_alignment: str = "256K"
    """Of pvcreate."""
    vg_physicalextentsize: str = "4M"
    """Of vgcreate."""
    lv_chunksize: str = "256K"
    """Of thin pools."""
    xfs_sw: int = 0
    """Stripe width for mkfs.xfs; used only together with ``xfs_su``."""
    xfs_su: int = 0
    """Stripe unit for mkfs.xfs, bytes."""
    debug_umount_failures: bool = False
    """Whether the log tells who uses a brick that cannot be unmounted."""
    block_prealloc: str = "full"
    """Whether gluster-block takes all space of a block volume at once: ``full`` or ``no``."""
    lvm_wrapper: str = ""
    """Words put before LVM and udevadm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSettings:
    """How nodes are reached; further keys of ``sshexec``."""

    keyfile: str = ""
    """Private key without passphrase; needed for the executor ``ssh``."""
    user: str = "heketi"
    """Login on the nodes."""
    port: int = 22
    """Of sshd, on all nodes."""
    known_hosts: str = ""
    """File of host keys; empty: ``known_hosts`` beside the database."""
    learn_host_keys: bool = True
    """Whether the key of a node never seen before is believed and remembered. A changed key never is."""
    sessions_per_node: int = 4
    """Scripts that run at the same time on a node; must not exceed MaxSessions of its sshd."""
    connect_timeout: int = 10
    """Seconds for connecting and login."""
    trusted_known_hosts: tuple[str, ...] = ()
    """Further files of host keys, from the environment only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeSettings:
    """How nodes that are pods are reached; further keys of ``kubeexec``."""

    namespace: str = ""
    """Of the pods; empty: that of the server's own pod, or of the kubeconfig's context."""
    gluster_daemonset: bool = False
    """Whether management names are those of Kubernetes' nodes, each with a pod that has a label ``glusterfs-node``."""
    use_pod_names: bool = False
    """Whether management names are names of pods. Without either they are values of the label ``glusterfs-node``."""
    container: str = ""
    """Of the pod; empty: as the pod's annotation says, or ``glusterfs``, or the first."""
    kubeconfig: str = ""
    """File that says how to reach the cluster; empty: as the pod's service account."""
    context: str = ""
    """Of the kubeconfig; empty: the current one."""
    max_connections: int = 64
    """Scripts at the same time in all pods; more wait. Negative means no limit."""
    sessions_per_node: int = 4
    """Scripts at the same time in one pod; more wait."""
    connect_timeout: int = 10
    """Seconds for every answer of the API server."""
    disable_timeout_prefix: bool = False
    """Whether the server itself ends what runs too long, for containers that have no ``timeout``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlusterSettings:
    """Keys of ``glusterfs``."""

    db: str = "heketi.db"
    """Database file; its folder must exist."""
    db_read_only: bool = False
    """Whether the database is only read: questions are answered, all changes refused, nothing is taken up again."""
    executor: str = "ssh"
    """``ssh``, ``kubernetes``, or ``mock`` for simulated nodes; after ``inject/``, as ``injectexec`` says."""
    loglevel: str = "info"
    """none, critical, error, warning, info or debug."""
    brick_max_size_gb: int = 4096
    """GiB of the largest brick."""
    brick_min_size_gb: int = 1
    """GiB of the smallest brick."""
    max_bricks_per_volume: int = 32
    """Existing and new bricks of a volume."""
    average_file_size_kb: int = 64
    """KiB of the files on arbiter volumes, unless ``user.heketi.average-file-size`` says otherwise."""
    pre_request_volume_options: str = ""
    """Gluster options before those of each request, separated by commas."""
    post_request_volume_options: str = ""
    """Gluster options after those of each request, separated by commas."""
    zone_checking: str = "none"
    """``strict``: no two bricks of a set in one zone."""
    max_volumes_per_cluster: int = 1000
    """0 means 1000, negative means no limit."""
    auto_create_block_hosting_volume: bool = False
    """Whether a volume is made to host block volumes when none has room."""
    block_hosting_volume_size: int = 1024
    """GiB of volumes that are made to host block volumes."""
    block_hosting_volume_options: str = "group gluster-block"
    """Gluster options of block hosting volumes, separated by commas."""
    disable_monitor_gluster_nodes: bool = False
    """Whether nodes are not looked after."""
    refresh_time_monitor_gluster_nodes: int = 120
    """Seconds between looks at all nodes."""
    start_time_monitor_gluster_nodes: int = 10
    """Seconds from the start to the first look."""
    max_inflight_operations: int = 8
    """Volume operations at the same time; more are told to come back. Negative means no limit."""
    disable_background_cleaner: bool = False
    """Whether stuck operations are not tried again by themselves."""
    refresh_time_background_cleaner: int = 3600
    """Seconds between tries."""
    start_time_background_cleaner: int = 60
    """Seconds from the start to the first try."""
    volume_create_retries: int = 4
    """Further attempts to create a volume, elsewhere; in the file ``operation_retry_limits.volume_create``."""
    seed: int | None = None
    """Makes ids and placement reproducible: for tests and demonstrations only."""
    mock_device_size_gb: int = 500
    """GiB of simulated disks, from the environment only."""
    injectexec: Injection = _NOTHING_GOES_WRONG
    """What goes wrong on nodes, for tests."""
    nodes: NodeSettings = NodeSettings()
    """How nodes are set up."""
    ssh: SshSettings = SshSettings()
    """How nodes are reached."""
    kube: KubeSettings = KubeSettings()
    """How nodes that are pods are reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Keys at the top."""

    port: int
    """TCP port; must be given."""
    bind_address: str = ""
    """Address to listen on; empty: all."""
    admin_key: str = field(default="", repr=False)
    """Secret of the role admin; in the file ``jwt.admin.key``."""
    user_key: str = field(default="", repr=False)
    """Secret of the role user; in the file ``jwt.user.key``."""
    iat_leeway_seconds: int = 120
    """Seconds that a token may come from the future, from the environment only."""
    enable_tls: bool = False
    """Whether to serve HTTPS, with the next two."""
    cert_file: str = ""
    """PEM file of the certificate."""
    key_file: str = ""
    """PEM file of its key."""
    request_body_limit_kb: int = 1024
    """KiB of the largest request body."""
    database_url: str = field(default="", repr=False)
    """``postgresql+psycopg://…``: the database, instead of ``db``; may hold a password."""
    job_retention_hours: int = 24
    """Hours that results of jobs are kept."""
    history_days: int = 365
    """Days that it is remembered who asked for what. Negative means for ever."""
    shutdown_grace_seconds: int = 60
    """Seconds that running steps get to end when the server stops."""
    default_state: str = "normal"
    """Mode at the start: ``normal``, ``read-only`` or ``local-client``."""
    backup_folder: str = ""
    """Folder for backups of the database file; empty: ``backups`` beside the database."""
    backup_every_hours: int = 24
    """Hours from one backup of the database file to the next. Negative means that none are made."""
    backup_keep: int = 7
    """Backups of the database file that are kept."""
    backup_db_to_kube_secret: bool = False
    """Whether a copy of the database goes to a secret of Kubernetes after changes."""
    backup_name: str = "heketi-db-backup"
    """Name of that secret, from the environment only."""
    profiling: bool = False
    """Whether anybody who reaches the port may look into the server itself at ``/debug/pprof/``, without a token."""
    disable_auth: bool = False
    """Whether everyone is let in; on the command line only."""
    glusterfs: GlusterSettings = GlusterSettings()
    """Everything about gluster."""


KUBERNETES = frozenset({"kube", "kubernetes"})
"""Executors that find nodes in pods."""

UNUSED_OF_KUBE = ("host", "cert", "insecure", "user", "password")
"""Keys of ``kubeexec`` that Heketi's sample has and Heketi 10 does not read either."""
