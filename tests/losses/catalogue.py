"""The table: every item of the specification that tells where Heketi 10 loses data, gets stuck or can be attacked.

Each names the tests that show ours does not, or tells why there is nothing to show. ``test_catalogue`` compares it with
the specification and with the tests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_OPERATIONS = "tests/losses/test_operations.py"
_PLACEMENT = "tests/losses/test_placement.py"
_EXECUTORS = "tests/losses/test_executors.py"
_INTERFACE = "tests/losses/test_interface.py"
_CONTROL = "tests/unit/control_plane"
_CONTRACT = "tests/contract/executor"
_MIGRATE = "tests/unit/migrate"
_CRASHES = "tests/property/test_mishaps.py::test_mishap_at_every_deed"


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item of a list in the specification."""

    what: str
    """What goes wrong with Heketi."""
    shown: tuple[str, ...] = ()
    """``file::test`` of those that show that it does not with ours."""
    why_not: str = ""
    """Why there is nothing to show, where there is no test."""


def _operations(what: str, *names: str) -> Item:
    return Item(what=what, shown=tuple(f"{_OPERATIONS}::{name}" for name in names))


def _placement(what: str, *names: str) -> Item:
    return Item(what=what, shown=tuple(f"{_PLACEMENT}::{name}" for name in names))


def _executors(what: str, *names: str) -> Item:
    return Item(what=what, shown=tuple(f"{_EXECUTORS}::{name}" for name in names))


def _elsewhere(what: str, *names: str) -> Item:
    return Item(what=what, shown=names)


def _slow(what: str) -> Item:
    return Item(what=what, why_not="it costs time, and loses nothing; benchmarks tell about time")


def _choice(what: str) -> Item:
    return Item(what=what, why_not="a choice of where things go, or a wish for more; nothing is lost by it")


def _kept(what: str) -> Item:
    return Item(what=what, why_not="kept on purpose: clients rely on it, and nothing is lost by it")


OPERATIONS: Mapping[str, Item] = {
    "1": _operations("the cleaner attacks running removals", "test_1_no_clean_up_touches_a_removal_at_work"),
    "2": _operations(
        "an expansion's rollback destroys bricks in use",
        "test_2_bricks_that_gluster_took_are_not_destroyed_when_an_expansion_fails",
    ),
    "3": _operations(
        "a volume with snapshots is stopped in vain", "test_3_a_volume_with_snapshots_is_not_stopped_in_vain"
    ),
    "4": _operations(
        "a crash before the end makes the cleaner delete a good volume",
        "test_4_a_volume_that_was_ever_told_of_outlives_a_crash_and_another_is_told_to_be_gone",
    ),
    "5": _operations("'command not found' is a missing brick", "test_5_a_missing_program_is_not_a_missing_brick"),
    "6": _operations("failed clones poison the cluster", "test_6_a_clone_that_fails_poisons_nothing"),
    "7": _operations(
        "an interrupted block expansion books wrong space",
        "test_7_an_interrupted_expansion_of_a_block_volume_books_what_it_became",
    ),
    "8": _operations(
        "a creation without bricks is never cleaned", "test_8_a_creation_of_which_nothing_was_made_yet_ends"
    ),
    "9": _operations("one bad record blocks all behind it", "test_9_one_that_stays_stuck_holds_up_no_other"),
    "10": _operations(
        "a dead node nobody knows of spoils the retries", "test_10_a_dead_node_nobody_knew_of_is_passed_over_at_once"
    ),
    "11": _operations("records of vanished objects are skipped for ever", "test_11_operations_about_what_is_gone_end"),
    "12": _operations("changes at once undo each other", "test_12_of_two_changes_at_once_none_undoes_the_other"),
    "12a": _operations(
        "a refused node keeps its names registered", "test_12a_a_node_that_is_refused_leaves_its_names_free"
    ),
    "13": _operations(
        "hosting volumes are deleted under new block volumes",
        "test_13_a_hosting_volume_is_not_deleted_under_a_block_volume_that_is_being_made",
    ),
    "14": _operations(
        "a hanging probe stops all writers", "test_14_a_node_that_hangs_in_its_health_check_holds_up_nobody"
    ),
    "15": _operations("probes go one after the other", "test_15_nodes_are_probed_all_at_once"),
    "16": _operations("a panic kills the server", "test_16_a_bug_in_a_step_ends_the_job_and_nothing_else"),
    "17": Item(
        what="a lost answer loses the outcome, 429 tells no time",
        shown=(
            f"{_OPERATIONS}::test_17_the_end_of_a_job_is_told_as_often_as_it_is_asked_for",
            "tests/api/test_hard_rules.py::test_14_busy_says_when_to_come_back",
        ),
    ),
    "18": _operations(
        "no limits, no kept errors", "test_18_what_failed_says_so_for_good_and_no_command_runs_without_end"
    ),
    "19": _operations("every stop is abrupt", "test_19_a_stop_waits_for_the_step_at_work"),
    "20": _slow("a device's bricks move one after the other"),
    "21": _slow("pending maps are rebuilt for each list"),
    "22": _slow("node names are read brick by brick"),
    "23": _operations(
        "a failing creation destroys bricks three times",
        "test_23_a_brick_of_a_creation_that_fails_is_destroyed_once",
    ),
}

PLACEMENT: Mapping[str, Item] = {
    "1": _placement(
        "arbiter volumes cannot replace bricks with strict zones",
        "test_1_a_brick_of_an_arbiter_volume_moves_within_its_zone_when_zones_are_strict",
    ),
    "2": Item(what="replacing corrupts the caller's brick set", why_not="brick sets are frozen tuples: none can"),
    "3": _placement(
        "bricks of a volume on one device are given back all or none",
        "test_3_bricks_of_a_volume_on_one_device_give_their_space_back_each_for_itself",
    ),
    "4": _placement("two expansions lose bricks", "test_4_a_volume_at_work_is_not_expanded"),
    "5": _placement(
        "clones: dangling ids, lost links, undone bookings, wrong LV, panics",
        "test_5_clones_do_not_harm_what_is_beside_them",
        "test_5_a_brick_of_a_clone_moves",
        "test_5_a_look_at_a_device_counts_a_pool_that_clones_share_once",
    ),
    "6": _placement("replica -1 kills the server", "test_6_a_volume_of_no_bricks_cannot_be_asked_for"),
    "7": _placement("arbiters shrink dispersed fragments", "test_7_an_arbiter_needs_replica_3"),
    "8": _placement("the only copy is replaced", "test_8_the_only_copy_is_not_replaced_by_an_empty_brick"),
    "9": _placement(
        "what a dead node keeps is forgotten",
        "test_9_what_a_dead_node_keeps_is_found_and_removed_when_it_is_back",
    ),
    "10": _placement(
        "extents change what comes back", "test_10_as_much_space_comes_back_as_was_taken_whatever_extents_are_since"
    ),
    "11": _placement("LVM's spare metadata is not counted", "test_11_lvm_finds_room_for_whatever_is_placed"),
    "12": _placement(
        "node1 is taken for node10", "test_12_a_node_whose_name_begins_like_another_s_is_not_taken_for_it"
    ),
    "13": _placement(
        "one broken device fails strict zones everywhere",
        "test_13_what_is_wrong_with_one_cluster_is_nothing_to_another",
    ),
    "14": _choice("free space and load do not count"),
    "15": _placement("nodes are used unevenly", "test_15_nodes_are_used_evenly_when_zones_and_nodes_share_a_factor"),
    "16": _choice("sets only double"),
    "17": _choice("hosting volumes are chosen at random"),
    "18": _choice("no wishes for nodes or devices"),
    "19": _placement("a retry forgets what failed", "test_19_a_device_that_failed_is_not_tried_again"),
    "20": _slow("the ring is rebuilt for every set"),
    "21": _slow("names are checked by decoding all volumes"),
    "22": _slow("streams need a thread each"),
}

EXECUTORS: Mapping[str, Item] = {
    "1": _executors(
        "root commands through volume options",
        "test_1_an_option_is_one_argument_whatever_is_in_it",
        "test_1_an_option_that_looks_like_a_flag_reaches_no_node",
    ),
    "2": _elsewhere(
        "host keys are not checked",
        f"{_CONTRACT}/test_ssh.py::test_an_unknown_host",
        f"{_CONTRACT}/test_ssh.py::test_a_changed_host_key_is_refused",
    ),
    "3": _elsewhere("RSA keys sign with SHA-1 only", f"{_CONTRACT}/test_ssh.py::test_any_usual_key_logs_in"),
    "4": _executors("passwords in logs", "test_4_no_log_and_no_error_tells_the_password_of_a_block_volume"),
    "5": _executors(
        "a failed brick is cleaned in the wrong place", "test_5_a_brick_that_fails_half_way_leaves_nothing"
    ),
    "6": _executors("answers are matched in any language", "test_6_answers_are_in_one_language"),
    "7": _executors(
        "a pool that stays is forgotten", "test_7_a_pool_that_cannot_be_removed_is_counted_found_and_removed_later"
    ),
    "8": _executors(
        "a node that cannot leave the pool is forgotten",
        "test_8_a_node_that_cannot_leave_the_pool_stays_in_the_topology",
    ),
    "9": _executors("odd answers panic", "test_9_an_answer_that_makes_no_sense_ends_no_server_and_no_data"),
    "10": Item(
        what="no time limits, remote processes survive, an unknown state counts as failed",
        shown=(
            f"{_EXECUTORS}::test_10_a_command_whose_answer_is_lost_is_asked_about_not_taken_for_failed",
            f"{_CONTRACT}/test_executor_contract.py::test_the_limit_kills_everything",
            f"{_CONTRACT}/test_ssh.py::test_a_server_that_never_answers",
        ),
    ),
    "11": _elsewhere(
        "refusals in XML go unnoticed",
        "tests/unit/commands/test_gluster_xml.py::test_gluster_cannot_tell",
        "tests/unit/commands/test_gluster_xml.py::test_peers_that_cannot_be_told",
    ),
    "12": _executors("other lines of fstab go", "test_12_only_the_lines_of_the_brick_leave_fstab"),
    "13": _elsewhere(
        "injection changes what is tested",
        "tests/unit/executors/test_injecting.py::test_a_reaction_takes_the_place_of_the_command",
        "tests/unit/executors/test_injecting.py::test_a_failure_that_is_no_matter_lets_the_script_go_on",
    ),
    "14": _elsewhere(
        "the wrong pod or container is taken",
        f"{_CONTRACT}/test_kubernetes.py::test_which_pod_is_a_node",
        f"{_CONTRACT}/test_kubernetes.py::test_no_pod_is_the_node",
    ),
    "15": _elsewhere(
        "too many connections fail", f"{_CONTRACT}/test_kubernetes.py::test_no_more_connections_than_there_may_be"
    ),
    "16": _elsewhere("a connection for every call", f"{_CONTRACT}/test_ssh.py::test_scripts_share_a_connection"),
    "17": _executors("a slow call blocks its node", "test_17_a_slow_command_on_a_node_holds_up_no_other_on_it"),
    "18": _executors("options are set one by one", "test_18_all_options_of_a_volume_are_set_by_one_call"),
    "19": _slow("volume and heal info are asked for each brick"),
}

QUIRKS: Mapping[str, Item] = {
    "1": _elsewhere(
        "a read-only database swallows changes",
        f"{_INTERFACE}::test_quirk_1_a_read_only_database_says_so_at_every_change",
    ),
    "2": _elsewhere(
        "cloning or locking a pending volume panics",
        f"{_INTERFACE}::test_quirk_2_what_is_being_made_can_neither_be_cloned_nor_locked",
    ),
    "3": _operations("a crashed clone poisons its cluster", "test_6_a_clone_that_fails_poisons_nothing"),
    "4": _operations("a failed clone leaves its parts", "test_6_a_clone_that_fails_poisons_nothing"),
    "5": _operations("stale host names stay", "test_12a_a_node_that_is_refused_leaves_its_names_free"),
    "6": _operations("removals are cleaned while they run", "test_1_no_clean_up_touches_a_removal_at_work"),
    "7": _operations(
        "a stale block expansion is cleaned with size 0",
        "test_7_an_interrupted_expansion_of_a_block_volume_books_what_it_became",
    ),
    "8": _elsewhere(
        "a volume without bricks stays for ever", f"{_INTERFACE}::test_quirk_8_a_volume_without_bricks_can_be_deleted"
    ),
    "9": _kept("users cannot poll"),
    "10": _kept("the text about the bound of gid is wrong"),
    "11": _kept("a removal holds one slot"),
    "12": _kept("resync is a GET"),
    "13": _kept("a device must have more than what is needed"),
    "14": _kept("a node is deleted that volumes name as host; mount data follows"),
}

IMPORTS: Mapping[str, Item] = {
    "1": _elsewhere(
        "host names can be taken twice", f"{_MIGRATE}/test_importing.py::test_names_that_clash_are_refused"
    ),
    "2": _elsewhere(
        "numbers of operations become fractions",
        f"{_MIGRATE}/test_importing.py::test_operations_that_heketi_left_unfinished_come_to_an_end",
    ),
    "3": _elsewhere(
        "odd entries panic",
        f"{_MIGRATE}/test_any_document.py::test_an_import_refuses_or_makes_something_that_can_be_stored",
    ),
    "4": _elsewhere(
        "a failed import reports success",
        "tests/unit/maintenance/test_commands.py::test_a_damaged_file_changes_nothing",
    ),
}

USERS: Mapping[str, Item] = {
    "1": _elsewhere(
        "removals get stuck",
        f"{_CONTROL}/test_removal.py::test_a_dead_node_is_emptied_and_can_go",
        f"{_CONTROL}/test_removal.py::test_what_was_moved_before_a_failure_stays_moved",
    ),
    "2": _elsewhere(
        "'No space' without a reason",
        "tests/property/test_placement.py::test_a_refusal_names_every_node_that_is_in_the_way",
    ),
    "3": _elsewhere(
        "pending operations and stale bricks stay",
        _CRASHES,
        f"{_CONTROL}/test_control_plane.py::test_stuck_operations_are_listed_and_cleaned_up",
    ),
    "4": _elsewhere(
        "the database is lost or damaged",
        f"{_MIGRATE}/test_reading.py::test_no_damage_ends_in_anything_but_a_refusal",
        f"{_CONTROL}/test_backups.py::test_every_change_is_copied_in_the_end",
    ),
    "5": _operations("devices and nodes are half added", "test_12a_a_node_that_is_refused_leaves_its_names_free"),
    "6": _operations(
        "hangs, busy for ever",
        "test_14_a_node_that_hangs_in_its_health_check_holds_up_nobody",
        "test_18_what_failed_says_so_for_good_and_no_command_runs_without_end",
    ),
    "7": _elsewhere(
        "the database is not what is on the nodes",
        f"{_CONTROL}/test_orphans.py::test_a_brick_that_nobody_knows_is_found_with_all_that_there_is_of_it",
        "tests/faults/test_faults.py::test_what_comes_of_it",
    ),
    "8": _operations("block space drifts", "test_7_an_interrupted_expansion_of_a_block_volume_books_what_it_became"),
    "9": _choice("Kubernetes dropped its plugin"),
    "10": _choice("options after the creation"),
    "11": _elsewhere(
        "bricks are not mounted after a reboot",
        "tests/unit/commands/test_bricks.py::test_a_node_that_loses_power_while_a_brick_is_destroyed_still_boots",
    ),
    "12": _choice("volumes that are there cannot be taken in"),
    "13": _choice("bricks cannot grow"),
    "14": _placement(
        "arbiters and zones", "test_1_a_brick_of_an_arbiter_volume_moves_within_its_zone_when_zones_are_strict"
    ),
    "15": _choice("volumes below a GiB"),
    "16": _choice("more metrics"),
    "17": _elsewhere("access fails without a reason", f"{_CONTRACT}/test_ssh.py::test_a_key_the_node_does_not_know"),
    "18": _choice("hosts cannot be renamed"),
    "19": _placement("clones spoil the database", "test_5_clones_do_not_harm_what_is_beside_them"),
    "20": _choice("other clients"),
}

HISTORY: Mapping[str, Item] = {
    "1": Item(
        what="commands through options and block names",
        shown=(
            f"{_EXECUTORS}::test_1_an_option_is_one_argument_whatever_is_in_it",
            f"{_INTERFACE}::test_history_1_no_name_reaches_a_shell",
            f"{_CONTRACT}/test_executor_contract.py::test_nothing_but_the_arguments_reaches_a_program",
        ),
    ),
    "2": _elsewhere(
        "configuration, keys and database readable by all",
        f"{_CONTRACT}/test_ssh_keys.py::test_a_key_that_cannot_be_used",
        "tests/unit/config/test_load.py::test_secrets_are_never_shown",
        "tests/unit/config/test_exposure.py::test_who_may_read_what",
    ),
    "3": _executors("secrets in logs", "test_4_no_log_and_no_error_tells_the_password_of_a_block_volume"),
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A list of the specification."""

    name: str
    path: str
    """Below the folder of the recordings; empty for a list that stands elsewhere."""
    begin: str
    """Heading that the list stands under."""
    number: str
    """Regular expression of a line that begins an item; a group holds its number, otherwise items are counted."""
    items: Mapping[str, Item]


SOURCES = (
    Source(name="operations", path="spec/operations.md", begin="## 13.", number=r"(\d+a?)\. ", items=OPERATIONS),
    Source(name="placement", path="spec/placement.md", begin="## 18.", number=r"(\d+)\. ", items=PLACEMENT),
    Source(name="executors", path="spec/executors.md", begin="## 17.", number=r"(\d+)\. ", items=EXECUTORS),
    Source(name="quirks", path="spec/rest-api.md", begin="## 14.", number=r"\| (\d+) \|", items=QUIRKS),
    Source(name="imports", path="spec/db.md", begin="## 8.", number=r"\* ", items=IMPORTS),
    Source(name="users", path="research/users.md", begin="## Heat table", number=r"\| (\d+) \|", items=USERS),
    Source(name="history", path="", begin="", number="", items=HISTORY),
)


def rows() -> Iterator[tuple[str, Item]]:
    """Yield every item with its name, ``operations 1``."""
    for source in SOURCES:
        for number, item in source.items.items():
            yield f"{source.name} {number}", item
