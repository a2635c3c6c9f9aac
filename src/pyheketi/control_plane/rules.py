"""How the house is kept: limits and times that settings tell."""

from dataclasses import dataclass

from pyheketi.control_plane.health import HealthSchedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Seconds unless the name says otherwise."""

    max_in_flight: int = 8
    """Volume operations and removals at the same time; more are refused (operations.md §10)."""
    create_retries: int = 4
    """Further attempts to create a volume elsewhere (operations.md §2)."""
    job_retention: float = 24 * 3600
    history_retention: float = 365 * 24 * 3600
    """How long it is remembered who asked for what; infinite for ever."""
    job_patience: float = 0.2
    """How long a question after a job at work is held back: whoever asks at once, again and again, costs less."""
    cleaner_enabled: bool = True
    cleaner_start: float = 60
    cleaner_every: float = 3600
    shutdown_grace: float = 60
    """How long running steps get to end when the server stops."""
    read_only: bool = False
    """Whether nothing is begun and nothing is taken up: the database is only to be read."""
    health: HealthSchedule = HealthSchedule()
