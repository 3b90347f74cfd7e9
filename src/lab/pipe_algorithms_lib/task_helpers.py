"""
Triggers tasks of Peach from a notebook or a script, and reads what became of them. Standard library only, Python 3.9 and later.

    import os
    os.environ["PEACH_URL"] = "https://peach.example.workers.dev"
    os.environ["PEACH_API_TOKEN"] = "..."        # a token with the scope `trigger` or `admin`

    from pipe_algorithms_lib.task_helpers import trigger_task_with_event

    run = trigger_task_with_event("collaborative_filtering", {"key1": "value1", "key2": "value2"})
    run.result(timeout=60)["status"]             # 'succeeded'
    run.payload("collaborative_filtering")       # what that task passed on

What goes in comes out as the same kind: ``bytes``, ``str``, and what JSON knows (``dict``, ``list``, ``int``, ``float``, ``bool``,
``None``; a ``tuple`` comes out as a ``list``, and a whole ``float`` as an ``int``: ``1.0`` as ``1``, ``-0.0`` as ``0``, since tasks
have one kind of number). An ``int`` beyond 2**53 - 1 is refused: a task would read another number. Whatever Peach refuses is a
``PeachError`` with ``code``, ``detail`` and ``hint``.

It owns: how a trigger is sent so that a lost connection never starts a second run. It must not need anything to be installed.
"""

from __future__ import annotations

import datetime
import email.message
import email.utils
import http.client
import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, Dict, List, NamedTuple, NoReturn, Optional, Tuple, Union

__all__ = [
    "ConnectionFailed",
    "OutsideTaskError",
    "PeachError",
    "ResultTimeout",
    "TriggeredRun",
    "find_run",
    "pass_data_to_downstream",
    "pass_to_child_task",
    "read_from_parent_task",
    "trigger_task_with_event",
]

Duration = Union[str, float, datetime.timedelta]
"""A duration as in peach.conf (``"30s"``, ``"2h"``), seconds, or a timedelta."""

_FINAL = ("succeeded", "failed", "cancelled")
_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"

_ANSWER_LIMIT_S = 60.0
"""How long one request may take."""
_PATIENCE_S = 5.0
"""How long a call that cannot get through is tried again."""
_RESULT_PATIENCE_S = 60.0
"""The same while a result is waited for: the run goes on meanwhile."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 2.0
_PASSING = (429, 502, 503, 504)
"""Answers that say: not now."""


class PeachError(Exception):
    """What Peach refuses, or why it cannot be asked.

    ``code`` is for programs, ``detail`` says what is wrong, ``hint`` what to do. ``status`` is the HTTP status, ``errors`` names each
    wrong place of a payload as ``{"path", "message"}``, ``request_id`` finds the request in the worker's log.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        hint: str = "",
        *,
        status: Optional[int] = None,
        errors: Optional[List[Dict[str, str]]] = None,
        request_id: Optional[str] = None,
    ) -> None:
        self.code = code
        self.detail = detail
        self.hint = hint
        self.status = status
        self.errors = errors or []
        self.request_id = request_id
        places = "".join(f"\n  {error.get('path')}: {error.get('message')}" for error in self.errors)
        super().__init__(f"{detail}{places}\n{hint} [{code}]" if hint else f"{detail}{places} [{code}]")


class ConnectionFailed(PeachError):
    """Nobody answers at PEACH_URL, also after several tries. Its code is ``connection_failed``."""


class ResultTimeout(PeachError, TimeoutError):
    """``result(timeout)``: the run was not final in time. It goes on. Its code is ``result_timeout``."""


class OutsideTaskError(PeachError):
    """A helper was called here that belongs inside a task. Its code is ``outside_task``."""


def trigger_task_with_event(
    task: str,
    payload: Any = None,
    idempotency_key: Optional[str] = None,
    delay: Optional[Duration] = None,
    *,
    url: Optional[str] = None,
    token: Optional[str] = None,
) -> TriggeredRun:
    """Starts a run of a task, by its name in peach.conf. Returns once the run is durably recorded.

    The same ``idempotency_key`` for the same task and payload gives the same run and executes nothing again; with another payload it is
    refused (``idempotency_mismatch``). Without one, each call is a run of its own, also if its connection breaks and it has to be sent
    again. With ``delay`` (at most 30 days) the run starts later.
    ``url`` and ``token`` go before PEACH_URL and PEACH_API_TOKEN.
    """
    connection = _connect(url, token)
    body, content_type = _encode(payload)
    key = f"lab-{uuid.uuid4()}" if idempotency_key is None else _checked_key(idempotency_key)
    query = "" if delay is None else "?" + urllib.parse.urlencode({"delay": _duration_text(delay)})
    answer = connection.request(
        "POST",
        f"/tasks/{urllib.parse.quote(task, safe='')}/trigger{query}",
        body,
        # Its own key makes it safe to send it again when nobody knows whether it came through.
        {"Content-Type": content_type, "Idempotency-Key": key},
    ).json()
    # What only our own second try finds there is new to the caller.
    deduplicated = idempotency_key is not None and bool(answer["deduplicated"])
    return TriggeredRun(answer["run_id"], answer["task"], deduplicated, connection)


def find_run(run_id: str, *, url: Optional[str] = None, token: Optional[str] = None) -> TriggeredRun:
    """The run of this id, as of an earlier trigger. Raises ``PeachError`` with the code ``unknown_run`` if there is none."""
    connection = _connect(url, token)
    document = connection.request("GET", f"/runs/{urllib.parse.quote(run_id, safe='')}").json()
    return TriggeredRun(document["run_id"], document["task"], True, connection)


class TriggeredRun:
    """A run. ``run_id`` and ``task`` name it; ``deduplicated`` is true if it was there before it was triggered."""

    def __init__(self, run_id: str, task: str, deduplicated: bool, connection: _Connection) -> None:
        self.run_id = run_id
        self.task = task
        self.deduplicated = deduplicated
        self._connection = connection

    def status(self) -> str:
        """``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled``."""
        return str(self.document()["status"])

    def document(self) -> Dict[str, Any]:
        """The run as it is now: its status, its tasks with attempts and errors, the runs it triggered."""
        return self._read_document(_PATIENCE_S)

    def result(self, timeout: Optional[Duration] = None) -> Dict[str, Any]:
        """Waits until the run is final and returns its document, also if it failed: see ``document["status"]``.

        ``timeout``: seconds, ``"10m"`` or a timedelta; without it, as long as it takes. Raises ``ResultTimeout`` when it is over. A
        connection that breaks meanwhile, or a deploy, is waited out.
        """
        end = None if timeout is None else time.monotonic() + _seconds(timeout)
        pause = _FIRST_PAUSE_S
        while True:
            left = _RESULT_PATIENCE_S if end is None else max(0.0, end - time.monotonic())
            document = self._read_document(min(_RESULT_PATIENCE_S, left))
            if document["status"] in _FINAL:
                return document
            left = pause if end is None else end - time.monotonic()
            if left <= 0:
                raise ResultTimeout(
                    "result_timeout",
                    f"The run {self.run_id} is still {document['status']} after {_duration_text(timeout or 0)}.",
                    "It goes on: call result() again, or look at document().",
                )
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE_S)

    def payload(self, task: Optional[str] = None) -> Any:
        """What this task of the run has passed on, or, without a name, what the run was triggered with; as it went in."""
        part = "" if task is None else f"/tasks/{urllib.parse.quote(task, safe='')}"
        return _decode(self._connection.request("GET", f"/runs/{self.run_id}{part}/payload"))

    def _read_document(self, patience: float) -> Dict[str, Any]:
        document: Dict[str, Any] = self._connection.request("GET", f"/runs/{self.run_id}", patience=patience).json()
        return document

    def __repr__(self) -> str:
        return f"TriggeredRun(run_id={self.run_id!r}, task={self.task!r})"


def pass_to_child_task(data: Any = None, *_: Any, **__: Any) -> NoReturn:
    """Belongs inside a task; here it raises ``OutsideTaskError``, which says what to do instead."""
    _outside("pass_to_child_task", "passToChildTask", "Here, hand the data to trigger_task_with_event(task, data).")


def pass_data_to_downstream(data: Any = None, *_: Any, **__: Any) -> NoReturn:
    """Belongs inside a task; here it raises ``OutsideTaskError``, which says what to do instead."""
    _outside(
        "pass_data_to_downstream", "passDataToDownstream", "Here, hand the data to trigger_task_with_event(task, data)."
    )


def read_from_parent_task(parent: Optional[str] = None, *_: Any, **__: Any) -> NoReturn:
    """Belongs inside a task; here it raises ``OutsideTaskError``, which says what to do instead."""
    _outside(
        "read_from_parent_task", "readFromParentTask", "Here, read what a task has passed with run.payload('its_name')."
    )


def _outside(name: str, in_typescript: str, instead: str) -> NoReturn:
    raise OutsideTaskError(
        "outside_task",
        f"{name}() works only inside a task of a running pipeline: a notebook has no upstream and no downstream tasks.",
        f"Tasks are functions under src/pipelines, where it is called {in_typescript}. {instead}",
    )


class _Answer(NamedTuple):
    status: int
    headers: email.message.Message
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise _no_peach(self) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The token is for PEACH_URL only: nothing is followed to elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class _Connection:
    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirects)

    def request(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        headers: Optional[Dict[str, str]] = None,
        patience: float = _PATIENCE_S,
    ) -> _Answer:
        """The answer, if it is no refusal. What cannot get through is tried again for ``patience`` seconds, always the same."""
        end = time.monotonic() + patience
        pause = _FIRST_PAUSE_S
        while True:
            last: PeachError
            wait = pause * random.uniform(0.8, 1.0)
            try:
                answer = self._send(method, path, body, headers or {})
                if answer.status < 300:
                    return answer
                last = _refusal(answer)
                if answer.status not in _PASSING:
                    raise last
                # Never sooner than it was asked for.
                wait = max(wait, _retry_after(answer))
            # A broken connection is one of these, however it breaks; a time-out is an OSError.
            except (OSError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", None) or error
                last = ConnectionFailed(
                    "connection_failed",
                    f"{self._url} cannot be reached: {reason}",
                    "Is PEACH_URL right, and does it run? Locally, start it with `npm run dev`.",
                )
            if time.monotonic() + wait > end:
                raise last
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _send(self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]) -> _Answer:
        request = urllib.request.Request(
            f"{self._url}/api/v1{path}",
            data=body,
            method=method,
            headers={"Authorization": f"Bearer {self._token}", "X-Peach-Source": "lab", **headers},
        )
        try:
            with self._opener.open(request, timeout=_ANSWER_LIMIT_S) as response:
                return _Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return _Answer(error.code, error.headers, error.read())


def _connect(url: Optional[str], token: Optional[str]) -> _Connection:
    url = (url or os.environ.get("PEACH_URL", "")).strip().rstrip("/")
    token = (token or os.environ.get("PEACH_API_TOKEN", "")).strip()
    if url == "":
        raise PeachError(
            "not_configured",
            "Nobody has said where Peach runs.",
            'Set os.environ["PEACH_URL"], such as https://peach.example.workers.dev, or http://127.0.0.1:8787 for `npm run dev`.',
        )
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise PeachError(
            "not_configured",
            f"PEACH_URL is no URL: {url!r}.",
            "It looks like https://peach.example.workers.dev, or http://127.0.0.1:8787 for `npm run dev`.",
        )
    if token == "" or not token.isprintable() or " " in token:
        raise PeachError(
            "not_configured",
            "There is no API token." if token == "" else "The API token has characters that no token has.",
            'Set os.environ["PEACH_API_TOKEN"]; locally it is in the file .dev.vars.',
        )
    return _Connection(url, token)


def _checked_key(key: str) -> str:
    if isinstance(key, str) and 1 <= len(key) <= 255 and key.isascii() and key.isprintable():
        return key
    raise PeachError(
        "invalid_request",
        f"{key!r} cannot be an idempotency key.",
        "It is a str of 1 to 255 printable ASCII characters, the same for each attempt at the same trigger.",
    )


def _refusal(answer: _Answer) -> PeachError:
    try:
        document = json.loads(answer.body)
        return PeachError(
            document["code"],
            document["detail"],
            document.get("hint", ""),
            status=answer.status,
            errors=document.get("errors"),
            request_id=document.get("request_id"),
        )
    except (ValueError, TypeError, KeyError):
        return _no_peach(answer)


def _no_peach(answer: _Answer) -> PeachError:
    start = answer.body[:200].decode("utf-8", "replace").strip()
    return PeachError(
        "unexpected_answer",
        f"PEACH_URL answers with {answer.status}, but not as Peach does: {start!r}",
        "It must be the address of the worker itself, without /api/v1 and without a login page before it.",
        status=answer.status,
    )


def _retry_after(answer: _Answer) -> float:
    """Seconds: the header has a number of them, or a date, which is by the clock of the server."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    until = _timestamp(text)
    now = _timestamp(answer.headers.get("Date", ""))
    return 0.0 if until is None else max(0.0, until - (time.time() if now is None else now))


def _timestamp(date: str) -> Optional[float]:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _encode(payload: Any) -> Tuple[bytes, str]:
    if isinstance(payload, (bytes, bytearray, memoryview)):
        return bytes(payload), _BYTES
    if isinstance(payload, str):
        try:
            return payload.encode("utf-8"), _TEXT
        except UnicodeEncodeError:
            # Lone surrogates have no UTF-8, but an escape in JSON.
            return json.dumps(payload).encode("ascii"), _JSON
    try:
        fault = _fault(payload, "$")
        if fault is None:
            return json.dumps(payload, separators=(",", ":")).encode("ascii"), _JSON
    except RecursionError:
        # Few levels are left to this interpreter, as in a call that is deep itself.
        fault = {"path": "$", "message": "nested too deep for this interpreter"}
    raise PeachError(
        "payload_not_serializable",
        f"The payload cannot be sent: {fault['path']} is {fault['message']}.",
        "Payloads are dict, list, str, int, float, bool, None, or bytes; turn other values into one of these.",
        errors=[fault],
    )


_MAX_INT = 2**53 - 1
_MAX_DEPTH = 500
"""The interpreter ends at about twice as many."""
_SHOWN_PATH = 200


def _fault(value: Any, path: str, above: Tuple[int, ...] = ()) -> Optional[Dict[str, str]]:
    """The first place that JSON would not give back as it was."""
    if value is None or isinstance(value, (bool, str)):
        return None
    if isinstance(value, int):
        if -_MAX_INT <= value <= _MAX_INT:
            return None
        # A very long int cannot be shown in decimal.
        return {"path": path, "message": f"{value:#x}"[:40] + ", an int beyond 2**53 - 1 (send it as a str)"}
    if isinstance(value, float):
        return None if value - value == 0 else {"path": path, "message": f"{value}, which JSON does not know"}
    if id(value) in above:
        return {"path": path, "message": "a value that contains itself"}
    if len(above) >= _MAX_DEPTH:
        return {"path": f"{path[:_SHOWN_PATH]}...", "message": f"nested more than {_MAX_DEPTH} levels deep"}
    above = (*above, id(value))
    if isinstance(value, dict):
        for key, entry in value.items():
            if not isinstance(key, str):
                return {"path": path, "message": f"a dict with the key {key!r}, which is no str"}
            fault = _fault(entry, f"{path}.{key}", above)
            if fault is not None:
                return fault
        return None
    if isinstance(value, (list, tuple)):
        for index, entry in enumerate(value):
            fault = _fault(entry, f"{path}[{index}]", above)
            if fault is not None:
                return fault
        return None
    return {"path": path, "message": f"of the type {type(value).__name__}, which JSON does not know"}


def _decode(answer: _Answer) -> Any:
    content_type = answer.headers.get_content_type()
    if content_type == _JSON or content_type.endswith("+json"):
        return answer.json()
    if content_type == "text/plain" and (answer.headers.get_content_charset() or "utf-8") == "utf-8":
        return answer.body.decode("utf-8")
    return answer.body


_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(duration: Duration) -> float:
    if isinstance(duration, datetime.timedelta):
        return duration.total_seconds()
    if isinstance(duration, (int, float)):
        return float(duration)
    number = duration.rstrip("mshd")
    unit = _UNITS.get(duration[len(number) :])
    if unit is None or not number.isdigit():
        raise PeachError(
            "invalid_request",
            f"{duration!r} is no duration.",
            'Write seconds, a timedelta, or a text such as "250ms", "30s", "5m", "2h" or "7d".',
        )
    return int(number) * unit


def _duration_text(duration: Duration) -> str:
    return f"{round(_seconds(duration) * 1000)}ms"
