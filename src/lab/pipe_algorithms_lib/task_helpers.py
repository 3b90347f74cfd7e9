"""
Triggers tasks of Peach from a notebook or a script, and reads what became of them. Standard library only, Python 3.9 and later.

    from pipe_algorithms_lib.task_helpers import trigger_task_with_event

    run = trigger_task_with_event("collaborative_filtering", {"key1": "value1", "key2": "value2"})
    run                                          # in a notebook: its status, a link, a small timeline
    run.result(timeout=60)["status"]             # 'succeeded'
    run.payload("collaborative_filtering")       # what that task passed on

It finds the runtime of ``npm run dev`` and its token by itself, in the folder of the notebook or one above it. Elsewhere set
``PEACH_URL`` and ``PEACH_API_TOKEN`` (a token with the scope ``trigger`` or ``admin``).

What goes in comes out as the same kind: ``bytes``, ``str``, and what JSON knows (``dict``, ``list``, ``int``, ``float``, ``bool``,
``None``; a ``tuple`` comes out as a ``list``, and a whole ``float`` as an ``int``: ``1.0`` as ``1``, ``-0.0`` as ``0``, since tasks
have one kind of number). An ``int`` beyond 2**53 - 1 is refused: a task would read another number. Whatever Peach refuses is a
``PeachError`` with ``code``, ``detail`` and ``hint``.
"""

from __future__ import annotations

import json
import urllib.parse
import uuid
from email.message import Message
from typing import Any, Dict, List, Mapping, NamedTuple, NoReturn, Optional, Sequence

from ._run import _RUN_PAGE, ResultTimeout, RunFailed, Table, TriggeredRun
from ._transport import (
    ConnectionFailed,
    Duration,
    OutsideTaskError,
    PeachError,
    _checked_key,
    _connect,
    _duration_text,
    _encode,
)

__all__ = [
    "ConnectionFailed",
    "EndpointAnswer",
    "OutsideTaskError",
    "PeachError",
    "ResultTimeout",
    "RunFailed",
    "TriggeredRun",
    "call_endpoint",
    "emit_event",
    "find_run",
    "pass_data_to_downstream",
    "pass_to_child_task",
    "read_from_parent_task",
    "runs",
    "tasks",
    "trigger_task_with_event",
]


def trigger_task_with_event(
    task: str,
    payload: Any = None,
    idempotency_key: Optional[str] = None,
    delay: Optional[Duration] = None,
    *,
    tags: Sequence[str] = (),
    url: Optional[str] = None,
    token: Optional[str] = None,
) -> TriggeredRun:
    """Starts a run of a task, by its name in peach.conf. Returns once the run is durably recorded.

    The same ``idempotency_key`` for the same task and payload gives the same run and executes nothing again; with another payload it is
    refused (``idempotency_mismatch``). Without one, each call is a run of its own, also if its connection breaks and it has to be sent
    again. With ``delay`` (at most 30 days) the run starts later. ``tags`` are those of the run besides the ones of peach.conf, ten in all.
    ``url`` and ``token`` go before PEACH_URL and PEACH_API_TOKEN.
    """
    connection = _connect(url, token)
    body, content_type = _encode(payload)
    key = f"lab-{uuid.uuid4()}" if idempotency_key is None else _checked_key(idempotency_key)
    asked = [] if delay is None else [("delay", _duration_text(delay))]
    query = urllib.parse.urlencode(asked + [("tag", tag) for tag in tags])
    answer = connection.request(
        "POST",
        f"/tasks/{urllib.parse.quote(task, safe='')}/trigger{'?' if query else ''}{query}",
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


def runs(
    task: Optional[str] = None,
    status: Optional[str] = None,
    limit: int = 50,
    *,
    tags: Sequence[str] = (),
    url: Optional[str] = None,
    token: Optional[str] = None,
) -> List[Dict[str, Any]]:
    """The newest runs, at most ``limit``, with ``tags`` those that have them all: a list of dicts that a notebook shows as a table, and that pandas takes."""
    connection = _connect(url, token)
    found: List[Dict[str, Any]] = []
    asked = {name: value for name, value in {"task": task, "status": status}.items() if value is not None}
    cursor: Optional[str] = None
    while len(found) < limit:
        query = {**asked, "limit": str(min(_RUN_PAGE, limit - len(found))), **({} if cursor is None else {"cursor": cursor})}
        pairs = list(query.items()) + [("tag", tag) for tag in tags]
        page = connection.request("GET", f"/runs?{urllib.parse.urlencode(pairs)}").json()
        found.extend(page["runs"])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    columns = ["run_id", "task", "status", "created_at", "duration_ms", "source", "by", "failed_tasks"]
    return Table(found, columns, f"{connection.url}/dashboard/runs/")


def tasks(*, url: Optional[str] = None, token: Optional[str] = None) -> List[Dict[str, Any]]:
    """The deployed tasks with their wiring and the JSON Schemas of what they read and pass on: a list of dicts, shown as a table."""
    connection = _connect(url, token)
    found = connection.request("GET", "/tasks").json()["tasks"]
    return Table(found, ["task", "method", "upstream", "downstream", "description"])


def emit_event(
    name: str, payload: Any = None, *, url: Optional[str] = None, token: Optional[str] = None
) -> List[TriggeredRun]:
    """Emits an event, and returns the runs that it has started: none if no task listens to it."""
    connection = _connect(url, token)
    body, content_type = _encode(payload)
    headers = {"Content-Type": content_type, "Idempotency-Key": f"lab-{uuid.uuid4()}"}
    answer = connection.request("POST", f"/events/{urllib.parse.quote(name, safe='')}", body, headers).json()
    return [TriggeredRun(run["run_id"], run["task"], False, connection) for run in answer["runs"]]


class EndpointAnswer(NamedTuple):
    """What an endpoint of the project has answered."""

    status: int
    #: Names in any case: ``headers["peach-component"]`` is None where there is no such header.
    headers: Message
    #: The value of JSON, the ``str`` of a text, the ``bytes`` of anything else.
    value: Any


def call_endpoint(
    path: str,
    params: Optional[Mapping[str, Any]] = None,
    body: Any = None,
    *,
    method: Optional[str] = None,
    url: Optional[str] = None,
    token: Optional[str] = None,
) -> EndpointAnswer:
    """Calls an endpoint of the project by its path, such as ``/recommendations``, with the API token.

    ``params`` are the query. ``body`` is sent as the payload of a trigger is; the method is POST with a body and GET without one, unless
    ``method`` says another. Any status is an answer; only a server that nobody reaches is an error (``connection_failed``).
    """
    connection = _connect(url, token)
    if not path.startswith("/"):
        raise PeachError("invalid_request", f"{path!r} is no path of an endpoint.", "It begins with /, such as /recommendations.")
    query = "" if not params else "?" + urllib.parse.urlencode(params, doseq=True)
    content, content_type = (None, None) if body is None else _encode(body)
    headers = {} if content_type is None else {"Content-Type": content_type}
    verb = method or ("GET" if body is None else "POST")
    status, answered, raw = connection.call(verb, path + query, content, headers)
    kind = answered.get_content_type()
    value: Any = raw
    if kind == "application/json" or kind.endswith("+json"):
        value = json.loads(raw) if raw else None
    elif kind.startswith("text/"):
        value = raw.decode("utf-8", "replace")
    return EndpointAnswer(status, answered, value)


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
