"""
Requests to Peach: retries, errors, how payloads and durations are written.

It owns: a request that is sent again is the same request, so a broken connection never starts a second run.
"""

from __future__ import annotations

import datetime
import email.message
import email.utils
import http.client
import json
import os
import pathlib
import random
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

Duration = Union[str, float, datetime.timedelta]
"""A duration as in peach.conf (``"30s"``, ``"2h"``), seconds, or a timedelta."""

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_BYTES = "application/octet-stream"

_TOKEN_LINE = re.compile(
    r"""\s*(?:export\s+)?PEACH_API_TOKEN\s*=\s*(?:(?P<quote>["'])(?P<quoted>.*?)(?P=quote)|(?P<plain>[^#]*?))\s*(?:#.*)?"""
)
"""A line of .dev.vars, as the local runtime reads it."""

_ANSWER_LIMIT_S = 60.0
"""How long one request may take."""
_PATIENCE_S = 5.0
"""How long a call that cannot get through is tried again."""
_RESULT_PATIENCE_S = 60.0
"""The same while a result is waited for: the run goes on meanwhile."""
_SILENCE_S = 2.0
"""After this time the user is told that such a wait cannot get through."""
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


class OutsideTaskError(PeachError):
    """A helper was called here that belongs inside a task. Its code is ``outside_task``."""


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

    @property
    def url(self) -> str:
        """The address of the deployment."""
        return self._url

    def request(
        self,
        method: str,
        path: str,
        body: Optional[bytes] = None,
        headers: Optional[Dict[str, str]] = None,
        patience: float = _PATIENCE_S,
    ) -> _Answer:
        """The answer, if it is no refusal. What cannot get through is tried again for ``patience`` seconds, always the same."""
        begun = time.monotonic()
        end = begun + patience
        is_told = patience <= _PATIENCE_S
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
                last = self._unreachable(error)
            now = time.monotonic()
            if now + wait > end:
                raise last
            if not is_told and now - begun >= _SILENCE_S:
                is_told = True
                print(f"{last.detail} Trying again for {end - now:.0f} s.", file=sys.stderr, flush=True)
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE_S)

    def call(self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]) -> _Answer:
        """The answer of an endpoint, whatever its status. It is asked once: an endpoint may do something."""
        try:
            return self._send(method, path, body, headers, "")
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> PeachError:
        reason = getattr(error, "reason", None) or error
        return ConnectionFailed(
            "connection_failed",
            f"{self._url} cannot be reached: {reason}",
            "Is PEACH_URL right, and does it run? Locally, start it with `npm run dev`.",
        )

    def _send(
        self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str], base: str = "/api/v1"
    ) -> _Answer:
        request = urllib.request.Request(
            f"{self._url}{base}{path}",
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
    url = (url or os.environ.get("PEACH_URL", "") or _local_url()).strip().rstrip("/")
    token = (token or os.environ.get("PEACH_API_TOKEN", "") or _local_token(url)).strip()
    if url == "":
        raise PeachError(
            "not_configured",
            "Nobody has said where Peach runs.",
            'Start it here with `npm run dev`, or set os.environ["PEACH_URL"], such as https://peach.example.workers.dev.',
        )
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise PeachError(
            "not_configured",
            f"PEACH_URL is no URL: {url!r}.",
            "It looks like https://peach.example.workers.dev, or http://127.0.0.1:8787 for `npm run dev`.",
        )
    if url.endswith("/api/v1"):
        raise PeachError(
            "not_configured",
            f"PEACH_URL ends with /api/v1: {url!r}.",
            f"Leave it out, each call adds it: {url[: -len('/api/v1')]}",
        )
    if token == "" or not token.isprintable() or " " in token:
        raise PeachError(
            "not_configured",
            "There is no API token." if token == "" else "The API token has characters that no token has.",
            'Set os.environ["PEACH_API_TOKEN"]; locally it is in the file .dev.vars.',
        )
    return _Connection(url, token)


def _above() -> List[pathlib.Path]:
    """The folder of the notebook and those above it: one of them is the project."""
    here = pathlib.Path.cwd()
    return [here, *here.parents]


def _local_url() -> str:
    """The address of the runtime that `npm run dev` has started in the project, or an empty text."""
    for folder in _above():
        try:
            claim = json.loads((folder / ".peach/state/runtime/claim.json").read_text("utf-8"))
            return str(claim["url"])
        except (OSError, ValueError, TypeError, KeyError):
            continue
    return ""


def _local_token(url: str) -> str:
    """The token in .dev.vars of the project, or an empty text. It is for this machine only."""
    if urllib.parse.urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return ""
    for folder in _above():
        try:
            text = (folder / ".dev.vars").read_text("utf-8-sig")
        except (OSError, ValueError):
            continue
        found = [_TOKEN_LINE.fullmatch(line) for line in text.splitlines()]
        values = [match["quoted"] or match["plain"] or "" for match in found if match is not None]
        if values:
            return values[-1]
    return ""


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
        "It must be the address of the worker itself, without a login page before it.",
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
            return json.dumps(payload, separators=(",", ":"), default=_scalar).encode("ascii"), _JSON
    except RecursionError:
        # Few levels are left to this interpreter, as in a call that is deep itself.
        fault = {"path": "$", "message": "nested too deep for this interpreter"}
    raise PeachError(
        "payload_not_serializable",
        f"The payload cannot be sent: {fault['path']} is {fault['message']}.",
        "Payloads are dict, list, str, int, float, bool, None, or bytes; turn other values into one of these.",
        errors=[fault],
    )


def _scalar(value: Any) -> Any:
    """The Python value of a number of numpy; anything else as it is."""
    is_numpy = type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0
    return value.item() if is_numpy else value


_MAX_INT = 2**53 - 1
_MAX_DEPTH = 500
"""The interpreter ends at about twice as many."""
_SHOWN_PATH = 200


def _fault(value: Any, path: str, above: Tuple[int, ...] = ()) -> Optional[Dict[str, str]]:
    """The first place that JSON would not give back as it was."""
    value = _scalar(value)
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
