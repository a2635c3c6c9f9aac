"""``topology info --template``: a Jinja2 template filled with the topology (docs/differences.md).

Heketi's templates are Go's; nobody writes those in Python. Names are those of ``topology info --json``, and the filters
of Heketi's functions have their names: ``gib`` for ``kibToGib``, ``state`` for ``entryStateString``.
"""

import json

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pyheketi.cli import layout
from pyheketi.cli.errors import Problem


def compiled(text: str) -> Template:
    r"""Return a template; ``\n`` and ``\t`` in it are a new line and a tab.

    Raises:
        Problem: it cannot be understood; tells where.
    """
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters |= {"gib": layout.gib, "state": layout.state}
    try:
        return environment.from_string(text.replace("\\n", "\n").replace("\\t", "\t"))
    except TemplateError as error:
        line = getattr(error, "lineno", 1)
        raise Problem(f"failed to parse template: line {line}: {error}") from error


def rendered(template: Template, topology: str) -> str:
    """Return the template filled with a topology in JSON.

    Raises:
        Problem: it asks for something that is not there.
    """
    try:
        return template.render(json.loads(topology))
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError) as error:
        raise Problem(f"failed to execute template: {error}") from error
