"""``heketi-cli completion``: scripts for shells, and the hidden command that they ask (cli.md §10)."""

from collections.abc import Iterator, Sequence

from pyheketi.cli import parser
from pyheketi.cli.errors import Problem
from pyheketi.cli.parser import Command, Flag, Path
from pyheketi.cli.session import Session
from pyheketi.cli.values import Kind

_NO_FILES, _FILES = 4, 0
"""What the shell shall do when there is nothing to offer: nothing, or offer files."""
_NAMES = {_NO_FILES: "ShellCompDirectiveNoFileComp", _FILES: "ShellCompDirectiveDefault"}
_HIDDEN = ("__complete", "__completeNoDesc")

_BASH = """# bash completion for heketi-cli: source it, or put it into /etc/bash_completion.d
_heketi_cli() {
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}") line directive=0
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :*) directive=${line#:} ;;
            *) COMPREPLY+=("${line%%$'\\t'*}") ;;
        esac
    done < <(heketi-cli __completeNoDesc "${words[@]}" 2>/dev/null)
    if [ ${#COMPREPLY[@]} -eq 0 ] && [ "$directive" = 0 ]; then
        compopt -o default
    fi
}
complete -F _heketi_cli heketi-cli
"""
_ZSH = """#compdef heketi-cli
# zsh completion for heketi-cli: put it as _heketi-cli into a directory of $fpath
_heketi_cli() {
    local -a offered
    local line directive=0
    while IFS= read -r line; do
        case $line in
            :*) directive=${line#:} ;;
            *) offered+=("${${line//:/\\\\:}/$'\\t'/:}") ;;
        esac
    done < <(heketi-cli COMPLETE "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#offered} )); then
        _describe heketi-cli offered
    elif [ "$directive" = 0 ]; then
        _files
    fi
}
compdef _heketi_cli heketi-cli
"""
_FISH = """# fish completion for heketi-cli: put it into ~/.config/fish/completions/heketi-cli.fish
function __heketi_cli_complete
    set -l words (commandline -opc) (commandline -ct)
    heketi-cli COMPLETE $words[2..-1] 2>/dev/null | string match -v ':*'
end
complete -c heketi-cli -f -a '(__heketi_cli_complete)'
"""
_POWERSHELL = """# PowerShell completion for heketi-cli: add it to your profile
Register-ArgumentCompleter -Native -CommandName heketi-cli -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" })
    if ($wordToComplete -eq '') { $words += '""' }
    (heketi-cli COMPLETE @words 2>$null) | Where-Object { $_ -notlike ':*' } | ForEach-Object {
        $name, $help = $_ -split "`t", 2
        if (-not $help) { $help = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $help)
    }
}
"""


def bash(session: Session) -> None:
    """Print the script for bash."""
    _print(session, "bash", _BASH)


def zsh(session: Session) -> None:
    """Print the script for zsh."""
    _print(session, "zsh", _ZSH)


def fish(session: Session) -> None:
    """Print the script for fish."""
    _print(session, "fish", _FISH)


def powershell(session: Session) -> None:
    """Print the script for PowerShell."""
    _print(session, "powershell", _POWERSHELL)


def _print(session: Session, shell: str, script: str) -> None:
    if session.arguments:
        raise Problem(f'unknown command "{session.arguments[0]}" for "heketi-cli completion {shell}"')
    session.write(script.replace("COMPLETE", _HIDDEN[session.switch("no-descriptions")]))


def answer(root: Command, words: Sequence[str]) -> tuple[str, str]:
    """Return what a script reads on standard output, and what a person may on standard error.

    The last word is the one that is being typed.
    """
    described, typed = words[0] == _HIDDEN[0], words[-1] if len(words) > 1 else ""
    before = [word for word in words[1:-1] if word]
    try:
        path, _ = parser.find(root, before)
    except Problem:
        path = Path((root,))
    value = _takes_value(path, before)
    offered = [] if value else [each for each in _offered(path, typed) if each[0].startswith(typed)]
    directive = _FILES if value or not path.command.commands else _NO_FILES
    lines = [f"{name}\t{help_}" if described and help_ else name for name, help_ in offered]
    directive = _NO_FILES if offered else directive
    said = "\n".join([*lines, f":{directive}", ""])
    return said, f"Completion ended with directive: {_NAMES[directive]}"


def _takes_value(path: Path, before: Sequence[str]) -> bool:
    """Return whether the word being typed is the value of a flag."""
    if not before or not before[-1].startswith("-") or "=" in before[-1]:
        return False
    flag = _flag(path, before[-1])
    return flag is not None and flag.kind is not Kind.SWITCH


def _flag(path: Path, word: str) -> Flag | None:
    flags = path.flags.values()
    return next((flag for flag in flags if word == f"--{flag.name}" or (flag.short and word == f"-{flag.short}")), None)


def _offered(path: Path, typed: str) -> Iterator[tuple[str, str]]:
    if typed.startswith("-"):
        inherited = path.inherited
        yield from ((f"--{flag.name}", flag.help) for flag in sorted(inherited.values(), key=lambda flag: flag.name))
        own = (flag for flag in path.flags.values() if flag.name not in inherited)
        yield from ((f"--{flag.name}", flag.help) for flag in sorted(own, key=lambda flag: flag.name))
        return
    for command in sorted(path.command.commands, key=lambda command: command.name):
        yield command.name, command.help
