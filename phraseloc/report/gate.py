"""The gate's verdict: one line that says why, JUnit XML for CI, and a Markdown table."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from phraseloc._version import __version__
from phraseloc.errors import InputError
from phraseloc.formats.source import reason_of, replacing
from phraseloc.report.compare import p_value
from phraseloc.report.scores import percent
from phraseloc.report.tables import Table, to_markdown

if TYPE_CHECKING:
    from phraseloc.gate import Group, Verdict


def render_line(verdict: Verdict, *, updated: bool = False) -> str:
    """Say in one line whether the gate passes, and why.

    Parameters
    ----------
    updated : whether the baseline was replaced, whatever the verdict
    """
    whole, *_ = verdict.groups
    failed = verdict.failed
    parts = [_sentence(verdict, failed[0] if failed else whole)]
    if len(failed) > 1:
        parts.append(f"{len(failed) - 1} more {'group' if len(failed) == 2 else 'groups'} fell")
    parts += _notes(verdict)
    return f"{'updated: ' if updated else ''}{'fail' if failed else 'pass'}: {'; '.join(parts)}"


def save_junit(verdict: Verdict, path: Path) -> None:
    """Write JUnit XML: a test suite with a case for all phrases and for each category."""
    counts = {"tests": len(verdict.groups), "failures": len(verdict.failed), "errors": 0}
    facts = {name: str(count) for name, count in counts.items()}
    suite = ElementTree.Element("testsuite", {"name": "phraseloc gate", **facts})
    method = printable(verdict.name)
    for group in verdict.groups:
        case = ElementTree.SubElement(suite, "testcase", classname=method, name=_called(group))
        if group.fails:
            ElementTree.SubElement(case, "failure", message=_sentence(verdict, group))
    data = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    with replacing(path) as file:
        file.write(data + b"\n")


def save_summary(verdict: Verdict, path: Path) -> None:
    """Write the verdict as a Markdown table."""
    with replacing(path) as file:
        file.write(render_summary(verdict).encode())


def append_summary(verdict: Verdict, path: Path) -> None:
    """Add the Markdown table to a file that others write to, too.

    Raises
    ------
    InputError
        if it cannot be written
    """
    try:
        with path.open("ab") as file:
            file.write(b"\n" + render_summary(verdict).encode())
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {reason_of(error)}") from None


def render_summary(verdict: Verdict) -> str:
    """Give the line, and below it a Markdown table with a row for each group."""
    heads = ["group", "before", "after", "change", "p", "verdict"]
    rows = [
        [
            _called(group),
            "-" if group.before is None else f"{percent(group.before)}%",
            f"{percent(group.after)}%",
            "-" if group.before is None else _change(verdict, group),
            "-" if group.p is None else p_value(group.p),
            _outcome(verdict, group),
        ]
        for group in verdict.groups
    ]
    line = render_line(verdict).replace("`", "'")
    return f"**phraseloc gate** `{line}`\n\n{to_markdown(Table(heads, rows))}\n"


def printable(text: str) -> str:
    r"""Escape what has no place in one line, nor in XML: line ends, controls, lone surrogates.

    Examples
    --------
    >>> printable("a\nb"), printable("naïve <b>")
    ('a\\nb', 'naïve <b>')
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _called(group: Group) -> str:
    return "all phrases" if group.name is None else printable(group.name)


def _sentence(verdict: Verdict, group: Group) -> str:
    """Say how a group fared."""
    name = printable(verdict.name if group.name is None else group.name)
    after, limit = percent(group.after), f"tolerance {float(verdict.tolerance):.15g}"
    if group.before is None:
        return f"{name} {after}%, a first baseline"
    before, change = percent(group.before), _change(verdict, group)
    if group.fall <= verdict.tolerance:
        return f"{name} {after}% against {before}% ({change} points, {limit})"
    text = f"{name} fell {change[1:]} points, {before}% to {after}%"
    if not group.fails:
        return f"{text} ({limit}), but within noise ({_p(group)})"
    return f"{text} ({limit})" if group.p is None else f"{text} ({limit}, {_p(group)})"


def _change(verdict: Verdict, group: Group) -> str:
    """Give a change in points, with as many decimals as tell it from the tolerance."""
    text = ""
    for decimals in range(2, 12):
        text = f"{float(-group.fall):+.{decimals}f}"
        shown = -Fraction(text)
        if (shown > verdict.tolerance) == (group.fall > verdict.tolerance):
            break
    return text


def _p(group: Group) -> str:
    assert group.p is not None
    text = p_value(group.p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def _outcome(verdict: Verdict, group: Group) -> str:
    if group.before is None:
        return "first"
    if group.fails:
        return "fail"
    return "pass" if group.fall <= verdict.tolerance else "within noise"


def _notes(verdict: Verdict) -> list[str]:
    """Say what a reader may not expect of the baseline."""
    notes = []
    if verdict.baseline != verdict.name:
        notes.append(f"the baseline is {printable(verdict.baseline)}")
    if verdict.version != __version__:
        found = printable(verdict.version)
        notes.append(f"the baseline is of phraseloc {found}, this is {__version__}")
    return notes
