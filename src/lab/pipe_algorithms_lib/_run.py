"""A run, and lists of runs and tasks: what calls answer with."""

from __future__ import annotations

import time
import urllib.parse
import uuid
from typing import Any, Dict, List, Optional

from . import _show
from ._transport import (
    _FIRST_PAUSE_S,
    _LONGEST_PAUSE_S,
    _PATIENCE_S,
    _RESULT_PATIENCE_S,
    Duration,
    PeachError,
    _Connection,
    _decode,
    _duration_text,
    _encode,
    _seconds,
)

_FINAL = ("succeeded", "failed", "cancelled")
_LOG_PAGE, _ITEM_PAGE, _RUN_PAGE = 1000, 200, 200
_UNSET: Any = object()
"""Stands for an argument that was not given, where None is a payload."""


class ResultTimeout(PeachError, TimeoutError):
    """``result(timeout)``: the run was not final in time. It goes on. Its code is ``result_timeout``."""


class RunFailed(PeachError):
    """``result(raise_on_failure=True)``: the run failed or was cancelled. Its code is ``run_failed``; ``document`` is the run."""

    def __init__(self, detail: str, hint: str, document: Dict[str, Any]) -> None:
        super().__init__("run_failed", detail, hint)
        self.document = document


class TriggeredRun:
    """A run. ``run_id`` and ``task`` name it; ``deduplicated`` is true if it was there before it was triggered.

    A notebook shows it with its status, a link to its page and a small timeline.
    """

    def __init__(self, run_id: str, task: str, deduplicated: bool, connection: _Connection) -> None:
        self.run_id = run_id
        self.task = task
        self.deduplicated = deduplicated
        self._connection = connection

    @property
    def url(self) -> str:
        """The page of the run in the dashboard."""
        return f"{self._connection.url}/dashboard/runs/{self.run_id}"

    def status(self) -> str:
        """``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled``."""
        return str(self.document()["status"])

    def document(self) -> Dict[str, Any]:
        """The run as it is now: its status, its tasks with attempts and errors, the runs it triggered."""
        return self._read_document(_PATIENCE_S)

    def result(
        self, timeout: Optional[Duration] = None, *, raise_on_failure: bool = False, show: Optional[bool] = None
    ) -> Dict[str, Any]:
        """Waits until the run is final and returns its document, also if it failed: see ``document["status"]``.

        ``timeout``: seconds, ``"10m"`` or a timedelta; without it, as long as it takes. Raises ``ResultTimeout`` when it is over. A
        connection that breaks meanwhile, or a deploy, is waited out.
        With ``raise_on_failure``, a run that did not succeed raises ``RunFailed`` instead.
        ``show``: progress and log lines while it waits; by default in notebooks and terminals.
        """
        end = None if timeout is None else time.monotonic() + _seconds(timeout)
        pause = _FIRST_PAUSE_S
        shown = _show.Progress(self) if (_show.is_watched() if show is None else show) else None
        while True:
            left = _RESULT_PATIENCE_S if end is None else max(0.0, end - time.monotonic())
            document = self._read_document(min(_RESULT_PATIENCE_S, left))
            if shown is not None:
                shown.update(document)
            if document["status"] in _FINAL:
                if raise_on_failure and document["status"] != "succeeded":
                    raise RunFailed(_failure_text(document), f"Look at {self.url}, or call retry().", document)
                return document
            left = pause if end is None else end - time.monotonic()
            if left <= 0:
                raise ResultTimeout(
                    "result_timeout",
                    f"The run {self.run_id} is still {document['status']} after {_duration_text(max(0, _seconds(timeout or 0)))}.",
                    "It goes on: call result() again, or look at document().",
                )
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    def error(self) -> Optional[Dict[str, Any]]:
        """The error of the first task that failed: ``{"task", "attempt", "name", "message", "stack"}``; None without one."""
        return _first_error(self.document())

    def payload(self, task: Optional[str] = None) -> Any:
        """What this task of the run has passed on, or, without a name, what the run was triggered with; as it went in."""
        return _decode(self._connection.request("GET", f"{self._path(task)}/payload"))

    def logs(self, task: Optional[str] = None) -> List[Dict[str, Any]]:
        """All log lines of a task, or of all tasks in the order of time: ``{"task", "attempt", "at", "level", "message", "fields"}``."""
        if task is not None:
            return [{"task": task, **line} for line in self._pages(f"{self._path(task)}/logs", "logs", _LOG_PAGE)]
        begun = [each["task"] for each in self.document()["tasks"] if each["attempts"]]
        return sorted((line for name in begun for line in self.logs(name)), key=lambda line: line["at"])

    def items(self, task: str, status: Optional[str] = None) -> List[Dict[str, Any]]:
        """All items of a task with ``each``, or those of a status: ``{"index", "status", "reason", "attempts", "output"}``."""
        query = {} if status is None else {"status": status}
        return self._pages(f"{self._path(task)}/items", "items", _ITEM_PAGE, query)

    def cancel(self, children: bool = False) -> Dict[str, Any]:
        """Cancels the run, with ``children`` also the runs it has triggered. Raises ``run_final`` if it is over."""
        return self._post("/cancel?children=true" if children else "/cancel")

    def retry(self) -> Dict[str, Any]:
        """Runs again what failed, and what did not run because of it. What succeeded is kept."""
        return self._post("/retry")

    def replay(self, payload: Any = _UNSET, from_task: Optional[str] = None) -> TriggeredRun:
        """Starts a new run of the same graph, with the same payload or this one, or from one of its tasks on."""
        body, content_type = (None, None) if payload is _UNSET else _encode(payload)
        query = "" if from_task is None else "?" + urllib.parse.urlencode({"from": from_task})
        headers = {} if content_type is None else {"Content-Type": content_type}
        answer = self._post(f"/replay{query}", body, headers)
        return TriggeredRun(answer["run_id"], answer["task"], False, self._connection)

    def _path(self, task: Optional[str] = None) -> str:
        part = "" if task is None else f"/tasks/{urllib.parse.quote(task, safe='')}"
        return f"/runs/{self.run_id}{part}"

    def _post(self, path: str, body: Optional[bytes] = None, headers: Optional[Dict[str, str]] = None) -> Dict[str, Any]:
        # A key of its own makes a replay safe to send again; the other calls change nothing the second time.
        keyed = {"Idempotency-Key": f"lab-{uuid.uuid4()}", **(headers or {})} if path.startswith("/replay") else {}
        answer: Dict[str, Any] = self._connection.request("POST", f"{self._path()}{path}", body, keyed).json()
        return answer

    def _pages(
        self, path: str, name: str, limit: int, query: Optional[Dict[str, str]] = None
    ) -> List[Dict[str, Any]]:
        found: List[Dict[str, Any]] = []
        cursor = None
        while True:
            asked = {**(query or {}), "limit": str(limit), **({} if cursor is None else {"cursor": cursor})}
            page = self._connection.request("GET", f"{path}?{urllib.parse.urlencode(asked)}").json()
            found.extend(page[name])
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def _read_document(self, patience: float) -> Dict[str, Any]:
        document: Dict[str, Any] = self._connection.request("GET", f"/runs/{self.run_id}", patience=patience).json()
        return document

    def __repr__(self) -> str:
        return f"TriggeredRun(run_id={self.run_id!r}, task={self.task!r})"

    def _repr_html_(self) -> str:
        return _show.run_html(self.document(), self.url)


class Table(List[Dict[str, Any]]):
    """A list of documents that a notebook shows as a table; ``pandas.DataFrame(table)`` takes it as well."""

    def __init__(self, rows: List[Dict[str, Any]], columns: List[str], links: str = "") -> None:
        super().__init__(rows)
        self._columns = columns
        self._links = links

    def _repr_html_(self) -> str:
        return _show.table_html(self, self._columns, self._links)


def _first_error(document: Dict[str, Any]) -> Optional[Dict[str, Any]]:
    for task in document["tasks"]:
        if task["status"] != "failed":
            continue
        for attempt in reversed(task["attempts"]):
            if attempt["error"] is not None:
                return {"task": task["task"], "attempt": attempt["attempt"], **attempt["error"]}
    return None


def _failure_text(document: Dict[str, Any]) -> str:
    error = _first_error(document)
    told = "" if error is None else f": {error['task']} failed in attempt {error['attempt']} with {_show.printable(error['name'] + ': ' + error['message'])}"
    ended = "was cancelled" if document["status"] == "cancelled" else document["status"]
    return f"The run {document['run_id']} of {document['task']} {ended}{told}."
