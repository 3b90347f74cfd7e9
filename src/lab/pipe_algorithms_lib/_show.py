"""What notebooks and terminals show: a run with a small timeline, tables, and progress while a result is waited for."""

from __future__ import annotations

import datetime
import html
import re
import sys
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional

if TYPE_CHECKING:
    from ._run import TriggeredRun

_COLOURS = {
    "succeeded": "#1f8a4c",
    "failed": "#c62f2b",
    "running": "#1a6fd1",
    "retrying": "#a86500",
    "waiting": "#7a4fc0",
}
_GREY = "#8a8078"
_ROWS = 24
"""Tasks in a small timeline; the page of the run shows all."""
_LINES = 8
"""Log lines below the timeline while a result is waited for."""
_WATCHED = 5
"""Running tasks whose log is read while a result is waited for."""
_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def printable(text: str) -> str:
    """One line that is safe for a terminal: without its sequences, control characters and marks of the reading direction."""
    return _STEERING.sub(" ", _SEQUENCES.sub("", text))


def is_watched() -> bool:
    """Whether somebody looks: a notebook, or a terminal."""
    return _display() is not None or sys.stderr.isatty()


def _display() -> Any:
    """The function of IPython that shows something, in a notebook only; nothing is imported for it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return None if shell is None or not hasattr(shell, "kernel") else ipython.display


def run_html(document: Dict[str, Any], url: str, lines: Iterable[Dict[str, Any]] = ()) -> str:
    """A run: its status, its task with a link, the error, and a small timeline."""
    status = str(document["status"])
    parts = [
        '<div style="font:13px/1.5 system-ui,sans-serif;max-width:720px">',
        f'<div>{_pill(status)} <b>{_safe(document["task"])}</b> {_safe(_took(document))} ',
        f'<a href="{_safe(url)}" target="_blank" rel="noopener">{_safe(document["run_id"])}</a></div>',
    ]
    for task in document["tasks"]:
        error = next((one["error"] for one in reversed(task["attempts"]) if one["error"] is not None), None)
        if task["status"] == "failed" and error is not None:
            text = f"{task['task']}: {error['name']}: {error['message']}"
            parts.append(f'<div style="color:{_COLOURS["failed"]}">{_safe(text)}</div>')
    parts.append(_timeline(document))
    kept = list(lines)[-_LINES:]
    if kept:
        text = "\n".join(f"{line['at'][11:19]} {line['task']} {line['level']} {line['message']}" for line in kept)
        parts.append(f'<pre style="margin:6px 0;font-size:12px;opacity:.85">{_safe(text)}</pre>')
    return "".join([*parts, "</div>"])


def table_html(rows: List[Dict[str, Any]], columns: List[str], links: str) -> str:
    """A table of these columns. ``links`` is an address to which the first column adds itself."""

    def cell(row: Dict[str, Any], at: int) -> str:
        value = row.get(columns[at])
        if columns[at] == "status":
            return _pill(str(value))
        text = _safe("" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value))
        address = _safe(links + str(value))
        return f'<a href="{address}" target="_blank" rel="noopener">{text}</a>' if links and at == 0 else text

    header = "".join(f'<th style="text-align:left">{_safe(name)}</th>' for name in columns)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{cell(row, at)}</td>' for at in range(len(columns))) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"


def _safe(value: Any) -> str:
    return html.escape(str(value), quote=True)


def _pill(status: str) -> str:
    colour = _COLOURS.get(status, _GREY)
    return f'<span style="color:#fff;background:{colour};border-radius:9px;padding:1px 8px">{_safe(status)}</span>'


def _took(document: Dict[str, Any]) -> str:
    took = document.get("duration_ms")
    return "" if took is None else f"in {took / 1000:.2f} s" if took < 60_000 else f"in {took / 60_000:.1f} min"


def _time(text: Optional[str]) -> Optional[float]:
    return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def _timeline(document: Dict[str, Any]) -> str:
    """A bar for each attempt of the first tasks that have begun, as one picture."""
    tasks = [task for task in document["tasks"] if task["attempts"]][:_ROWS]
    start = _time(document["created_at"]) or 0.0
    now = datetime.datetime.now(datetime.timezone.utc).timestamp()
    end = max(_time(document["finished_at"]) or now, start + 0.001)
    bars = []
    for row, task in enumerate(tasks):
        y = row * 16
        bars.append(f'<text x="0" y="{y + 11}" font-size="11" fill="currentColor">{_safe(_short(task["task"]))}</text>')
        for attempt in task["attempts"]:
            x = 190 + 500 * ((_time(attempt["started_at"]) or start) - start) / (end - start)
            to = 190 + 500 * ((_time(attempt["finished_at"]) or end) - start) / (end - start)
            colour = _COLOURS.get(attempt["status"], _GREY)
            title = _safe(f"attempt {attempt['attempt']}, {attempt['status']}")
            bars.append(
                f'<rect x="{x:.1f}" y="{y + 3}" width="{max(2.0, to - x):.1f}" height="10" rx="2" fill="{colour}">'
                f"<title>{title}</title></rect>"
            )
    more = len(document["tasks"]) - len(tasks)
    note = f'<div style="opacity:.7">and {more} more tasks</div>' if more > 0 else ""
    if not tasks:
        return note
    return f'<svg width="700" height="{len(tasks) * 16}" role="img" aria-label="Timeline">{"".join(bars)}</svg>{note}'


def _short(name: str) -> str:
    return name if len(name) <= 28 else f"{name[:17]}…{name[-10:]}"


class Progress:
    """Shows how a run gets on: a picture that changes in a notebook, lines on stderr elsewhere."""

    def __init__(self, run: TriggeredRun) -> None:
        self._run = run
        self._statuses: Dict[str, str] = {}
        self._counts: Dict[str, int] = {}
        self._lines: List[Dict[str, Any]] = []
        self._handle: Any = None

    def update(self, document: Dict[str, Any]) -> None:
        """Shows what has changed since the last time."""
        changed = [task for task in document["tasks"] if self._statuses.get(task["task"]) != task["status"]]
        fresh = self._fresh_lines(document, {task["task"] for task in changed})
        self._statuses = {task["task"]: task["status"] for task in document["tasks"]}
        self._lines = [*self._lines, *fresh][-_LINES:]
        shown = _display()
        if shown is None:
            self._print(changed, fresh)
            return
        picture = shown.HTML(run_html(document, self._run.url, self._lines))
        if self._handle is None:
            self._handle = shown.display(picture, display_id=True)
        else:
            self._handle.update(picture)

    def _fresh_lines(self, document: Dict[str, Any], changed: Any) -> List[Dict[str, Any]]:
        """Lines of tasks that run or have just ended. A log that cannot be read now is read the next time."""
        from ._transport import PeachError

        busy = [task for task in document["tasks"] if task["status"] == "running" or task["task"] in changed]
        fresh: List[Dict[str, Any]] = []
        for task in [task for task in busy if task["attempts"]][:_WATCHED]:
            name = task["task"]
            try:
                lines = self._run.logs(name)
            except PeachError:
                continue
            fresh.extend(lines[self._counts.get(name, 0) :])
            self._counts[name] = len(lines)
        return sorted(fresh, key=lambda line: str(line["at"]))

    def _print(self, changed: List[Dict[str, Any]], fresh: List[Dict[str, Any]]) -> None:
        for line in fresh:
            print(printable(f"{line['at'][11:19]} {line['task']} {line['level']} {line['message']}"), file=sys.stderr)
        for task in changed:
            if task["status"] not in ("pending", "queued"):
                print(f"{task['task']} {task['status']}", file=sys.stderr)
