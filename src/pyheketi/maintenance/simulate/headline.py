"""The answer in one line."""

from collections.abc import Sequence

from pyheketi.maintenance.simulate.answer import MOST, Answer, Question
from pyheketi.maintenance.simulate.hardware import Invented
from pyheketi.planning.simulation import Refusal

_UNITS = {"nodes": "nodes", "devices": "devices on a node", "device-size": "GiB"}
_MORE = {"nodes": "more nodes", "devices": "more devices", "device-size": "larger devices"}


def counted(number: int, noun: str) -> str:
    """Return ``1 node``, ``2 nodes``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def headline(answer: Answer) -> str:
    """Return the short of an answer."""
    match answer.found:
        case Refusal():
            return _nothing_found(answer, answer.found)
        case Invented():
            return _found(answer, answer.found)
    question = answer.question
    comma = "," if "," in all_wanted(question) else ""
    where = f"{comma} fit on {counted(answer.nodes, 'node')} with {counted(answer.devices, 'device')}"
    in_runs = f" in all {len(answer.results)} runs" if len(answer.results) > 1 else ""
    if question.filling:
        volumes = _span([len(each.sizes) for each in answer.results])
        return f"{volumes} volume{'' if volumes == '1' else 's'} {question.wanted.text}{where}"
    if answer.fits:
        return f"Yes, {all_wanted(question)}{where}{in_runs}"
    by_size = question.wanted.count is None
    placed = [each.total_gib if by_size else len(each.sizes) for each in answer.results]
    return f"No, only {_span(placed)} of {all_wanted(question)}{where}"


def _span(numbers: Sequence[int]) -> str:
    """Return ``7``, or ``7 to 9``."""
    least, most = min(numbers), max(numbers)
    return str(least) if least == most else f"{least} to {most}"


def all_wanted(question: Question) -> str:
    """Return what was wanted: ``20 volumes of 10 GiB, replica 3``."""
    count, target, text = question.wanted.count, question.target_gib, question.wanted.text
    if count is None:
        return f"{target} GiB in volumes {text}" if target else f"volumes {text}"
    what = f"{counted(count, 'volume')} {text}"
    return f"{what}, or the first {target} GiB of them" if target else what


def _found(answer: Answer, hardware: Invented) -> str:
    devices = counted(hardware.nodes * hardware.devices, "device")
    each = f" ({hardware.devices} each)" if hardware.nodes > 1 else ""
    runs = f" in all {len(answer.results)} runs" if len(answer.results) > 1 else ""
    on = f"{devices} of {hardware.device_gib} GiB on {counted(hardware.nodes, 'node')}{each}"
    return f"{on} hold{'s' if devices.startswith('1 ') else ''} {all_wanted(answer.question)}{runs}"


def _nothing_found(answer: Answer, refusal: Refusal) -> str:
    tried = f"even {MOST[answer.sought]} {_UNITS[answer.sought]} do not hold"
    verdict = tried if refusal.for_space else f"{_MORE[answer.sought]} do not help"
    return f"No, {verdict} {all_wanted(answer.question)}; a volume of {refusal.wish.size_gib} GiB is refused:"
