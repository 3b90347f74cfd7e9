"""The module against a server that answers as it is told: run by scripted.test.ts."""

import datetime
import email.utils
import inspect
import json
import os
import io
import pathlib
import sys
import tempfile
import threading
import types
import unittest
import unittest.mock
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pipe_algorithms_lib import _transport
from pipe_algorithms_lib.task_helpers import (
    ConnectionFailed,
    OutsideTaskError,
    PeachError,
    ResultTimeout,
    RunFailed,
    call_endpoint,
    emit_event,
    find_run,
    pass_data_to_downstream,
    pass_to_child_task,
    read_from_parent_task,
    runs,
    tasks,
    trigger_task_with_event,
)

ACCEPTED = {"run_id": "run_1", "task": "t", "status": "queued", "deduplicated": False, "url": "x"}
BREAK = object()
"""An answer that is none: the connection ends."""


class Server:
    """Gives these answers, one after the other (the last one for ever), and notes what it was asked."""

    def __init__(self, *answers):
        self.asked = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append({"method": self.command, "path": self.path, "headers": self.headers, "body": body})
                given = answers[min(len(asked), len(answers)) - 1]
                if given is BREAK:
                    self.connection.close()
                    return
                status, content, headers = given
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response_only(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def answer(content, status=200, **headers):
    return (status, content, {name.replace("_", "-"): value for name, value in headers.items()})


def problem(status, code, **more):
    return answer({"code": code, "detail": f"It is {code}.", "hint": "Do this.", "request_id": "r1", **more}, status)


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


class ScriptedCase(unittest.TestCase):
    def setUp(self):
        os.environ.pop("PEACH_URL", None)
        os.environ["PEACH_API_TOKEN"] = "secret"

    def serve(self, *answers):
        server = Server(*answers)
        self.addCleanup(server.close)
        os.environ["PEACH_URL"] = server.url + "/"
        return server


class Triggering(ScriptedCase):
    def test_sends_source_token_and_a_key(self):
        server = self.serve(answer(ACCEPTED, 202))
        run = trigger_task_with_event("audio task", {"a": [1, "ü", None]}, delay=datetime.timedelta(minutes=1.5))
        self.assertEqual((run.run_id, run.task, run.deduplicated), ("run_1", "t", False))
        [asked] = server.asked
        self.assertEqual(asked["path"], "/api/v1/tasks/audio%20task/trigger?delay=90000ms")
        self.assertEqual(asked["headers"]["Authorization"], "Bearer secret")
        self.assertEqual(asked["headers"]["X-Peach-Source"], "lab")
        self.assertRegex(asked["headers"]["Idempotency-Key"], "^lab-[0-9a-f-]{36}$")
        self.assertEqual(json.loads(asked["body"]), {"a": [1, "ü", None]})

    def test_sends_each_tag(self):
        server = self.serve(answer(ACCEPTED, 202))
        trigger_task_with_event("t", None, delay="1s", tags=["news", "lang:de"])
        [asked] = server.asked
        self.assertEqual(asked["path"], "/api/v1/tasks/t/trigger?delay=1000ms&tag=news&tag=lang%3Ade")

    def test_tells_kinds_by_their_content_type(self):
        for payload, body, content_type in [
            (b"\x00\xff", b"\x00\xff", "application/octet-stream"),
            (bytearray(b"ab"), b"ab", "application/octet-stream"),
            (memoryview(b"ab")[1:], b"b", "application/octet-stream"),
            ("grüezi", "grüezi".encode(), "text/plain; charset=utf-8"),
            ("", b"", "text/plain; charset=utf-8"),
            ("\ud800", b'"\\ud800"', "application/json"),
            ((1, 2), b"[1,2]", "application/json"),
            (None, b"null", "application/json"),
            (True, b"true", "application/json"),
            (1.5, b"1.5", "application/json"),
            (-0.0, b"-0.0", "application/json"),
            (1e30, b"1e+30", "application/json"),
            ([2**53 - 1, 1 - 2**53], b"[9007199254740991,-9007199254740991]", "application/json"),
            (nested(400), b"[" * 401 + b"]" * 401, "application/json"),
        ]:
            server = self.serve(answer(ACCEPTED, 202))
            trigger_task_with_event("t", payload)
            self.assertEqual((server.asked[0]["body"], server.asked[0]["headers"]["Content-Type"]), (body, content_type))

    def test_refuses_what_would_not_come_out_as_it_went_in(self):
        circle = []
        circle.append(circle)
        for payload, place in [
            ({"a": {1: "x"}}, "$.a is a dict with the key 1"),
            ([float("nan")], "$[0] is nan"),
            ({"a": [{"b": datetime.date(2026, 1, 1)}]}, "$.a[0].b is of the type date"),
            (circle, "$[0] is a value that contains itself"),
            ({1, 2}, "$ is of the type set"),
            ({"ids": [1, 2**53]}, "$.ids[1] is 0x20000000000000, an int beyond 2**53 - 1 (send it as a str)"),
            (-(2**53), "$ is -0x20000000000000, an int beyond"),
            (10**5_000, "an int beyond 2**53 - 1"),
            (nested(5_000), "... is nested more than 500 levels deep"),
            ({"a": nested(5_000)}, "$.a[0][0]"),
        ]:
            server = self.serve(answer(ACCEPTED, 202))
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("t", payload)
            self.assertEqual(raised.exception.code, "payload_not_serializable")
            self.assertIn(place, raised.exception.detail)
            self.assertEqual(server.asked, [])

    def test_sends_the_same_key_again_when_the_connection_breaks(self):
        server = self.serve(BREAK, problem(503, "overloaded"), answer({**ACCEPTED, "deduplicated": True}, 202))
        run = trigger_task_with_event("t", "x")
        self.assertEqual(len(server.asked), 3)
        self.assertEqual(len({asked["headers"]["Idempotency-Key"] for asked in server.asked}), 1)
        self.assertFalse(run.deduplicated)

    def test_refuses_what_this_interpreter_has_no_levels_for(self):
        server = self.serve(answer(ACCEPTED, 202))

        def deep(levels):
            return trigger_task_with_event("t", nested(400)) if levels == 0 else deep(levels - 1)

        with self.assertRaises(PeachError) as raised:
            deep(sys.getrecursionlimit() - len(inspect.stack()) - 100)
        self.assertEqual(raised.exception.code, "payload_not_serializable")
        self.assertEqual(raised.exception.errors[0]["path"], "$")
        self.assertEqual(server.asked, [])

    def test_waits_at_least_as_long_as_it_is_asked_to(self):
        date = email.utils.format_datetime(datetime.datetime(2026, 11, 29, 10, 0, 3, tzinfo=datetime.timezone.utc), True)
        for retry_after, at_least in [("1", 1), ("2", 2), (date, 3), ("soon", 0), ("\u00b2", 0)]:
            slow = answer({}, 503, Retry_After=retry_after, Date="Sun, 29 Nov 2026 10:00:00 GMT")
            self.serve(slow, slow, slow, answer(ACCEPTED, 202))
            waits = []
            with unittest.mock.patch.object(_transport.time, "sleep", waits.append):
                _transport._connect(None, None).request("POST", "/x", patience=60)
            self.assertEqual(len(waits), 3)
            for wait in waits:
                self.assertGreaterEqual(wait, at_least)
                self.assertLess(wait, at_least + 1)

    def test_says_that_a_key_was_used_before(self):
        server = self.serve(answer({**ACCEPTED, "deduplicated": True}, 202))
        self.assertTrue(trigger_task_with_event("t", idempotency_key="mine").deduplicated)
        self.assertEqual(server.asked[0]["headers"]["Idempotency-Key"], "mine")

    def test_raises_what_peach_refuses_with_its_hint(self):
        server = self.serve(problem(400, "invalid_payload", errors=[{"path": "$.a", "message": "expected string"}]))
        with self.assertRaises(PeachError) as raised:
            trigger_task_with_event("t", {"a": 1})
        error = raised.exception
        self.assertEqual((error.code, error.detail, error.hint), ("invalid_payload", "It is invalid_payload.", "Do this."))
        self.assertEqual((error.status, error.request_id, error.errors[0]["path"]), (400, "r1", "$.a"))
        self.assertEqual(str(error), "It is invalid_payload.\n  $.a: expected string\nDo this. [invalid_payload]")
        self.assertEqual(len(server.asked), 1)

    def test_follows_no_redirect_with_its_token(self):
        other = self.serve(answer(ACCEPTED, 202))
        self.serve(answer(b"moved", 302, Location=f"{other.url}/login"))
        with self.assertRaises(PeachError) as raised:
            trigger_task_with_event("t")
        self.assertEqual(raised.exception.code, "unexpected_answer")
        self.assertEqual(other.asked, [])

    def test_says_that_something_else_answers(self):
        for given in [answer(b"<html>", 200), answer(b"<html>", 404), answer([], 404)]:
            self.serve(given)
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("t")
            self.assertEqual(raised.exception.code, "unexpected_answer")

    def test_says_that_nobody_is_there(self):
        with self.assertRaises(ConnectionFailed) as raised:
            _transport._connect("http://127.0.0.1:1", None).request("GET", "/runs/x", patience=0.2)
        self.assertIn("npm run dev", raised.exception.hint)

    def test_says_what_is_not_configured(self):
        for url, token, detail in [
            ("", "t", "Nobody has said where Peach runs."),
            ("peach.example", "t", "PEACH_URL is no URL: 'peach.example'."),
            ("http://x", "", "There is no API token."),
            ("http://x", "a b", "The API token has characters that no token has."),
        ]:
            os.environ["PEACH_URL"], os.environ["PEACH_API_TOKEN"] = url, token
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("t")
            self.assertEqual((raised.exception.code, raised.exception.detail), ("not_configured", detail))

    def test_refuses_wrong_arguments(self):
        self.serve(answer(ACCEPTED, 202))
        for arguments in [{"delay": "soon"}, {"delay": "1.5h"}, {"idempotency_key": ""}, {"idempotency_key": "ü"}]:
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("t", **arguments)
            self.assertEqual(raised.exception.code, "invalid_request")


class Results(ScriptedCase):
    def run_of(self, *answers):
        self.serve(answer(ACCEPTED, 202), *answers)
        return trigger_task_with_event("t")

    def test_waits_through_broken_connections(self):
        run = self.run_of(
            answer({"status": "queued"}), BREAK, problem(503, "overloaded"), answer({"status": "failed", "x": 1})
        )
        self.assertEqual(run.result("30s"), {"status": "failed", "x": 1})

    def test_raises_after_the_timeout_and_can_be_called_again(self):
        run = self.run_of(answer({"status": "running"}), answer({"status": "running"}), answer({"status": "succeeded"}))
        with self.assertRaises(ResultTimeout) as raised:
            run.result(0)
        self.assertIsInstance(raised.exception, TimeoutError)
        self.assertEqual(raised.exception.detail, "The run run_1 is still running after 0ms.")
        self.assertEqual(run.status(), "running")
        self.assertEqual(run.result()["status"], "succeeded")

    def test_reads_payloads_as_the_kind_they_are(self):
        for body, content_type, value in [
            (b'{"a":1}', "application/json", {"a": 1}),
            (b"[1]", "application/problem+json", [1]),
            ("ü".encode(), "text/plain; charset=utf-8", "ü"),
            (b"a,b", "text/csv", b"a,b"),
            (b"\xfc", "text/plain; charset=latin-1", b"\xfc"),
            (b"", "application/octet-stream", b""),
        ]:
            run = self.run_of(answer(body, Content_Type=content_type))
            self.assertEqual(run.payload("t/x"), value)

    def test_finds_a_run_again(self):
        server = self.serve(answer({"run_id": "run_1", "task": "t", "status": "succeeded"}))
        self.assertEqual(repr(find_run("run_1")), "TriggeredRun(run_id='run_1', task='t')")
        self.assertEqual(server.asked[0]["path"], "/api/v1/runs/run_1")


class Helpers(unittest.TestCase):
    def test_say_that_they_belong_inside_tasks(self):
        for helper in [pass_to_child_task, pass_data_to_downstream, read_from_parent_task]:
            with self.assertRaises(OutsideTaskError) as raised:
                helper("x")
            self.assertEqual(raised.exception.code, "outside_task")
            self.assertIn(f"{helper.__name__}() works only inside a task", raised.exception.detail)


def attempt(status="succeeded", error=None, at="2026-11-22T10:00:00.000Z", to="2026-11-22T10:00:01.500Z"):
    return {"attempt": 1, "status": status, "started_at": at, "finished_at": to, "error": error}


def document(status, *tasks):
    return {
        "run_id": "run_1",
        "task": "t",
        "status": status,
        "created_at": "2026-11-22T10:00:00.000Z",
        "finished_at": None if status == "running" else "2026-11-22T10:00:02.000Z",
        "duration_ms": None if status == "running" else 2000,
        "tasks": list(tasks),
    }


def task(name, status, *attempts):
    return {"task": name, "status": status, "attempts": list(attempts)}


FAILED = document(
    "failed",
    task("t", "succeeded", attempt()),
    task("<b>", "failed", attempt("failed", {"name": "Error", "message": "<script>alert(1)</script>", "stack": None})),
)


def log(*messages):
    lines = [
        {"at": f"2026-11-22T10:00:0{at}.000Z", "attempt": 1, "level": "info", "message": text, "fields": None}
        for at, text in enumerate(messages)
    ]
    return answer({"logs": lines, "dropped": 0, "next_cursor": None})


class Showing(ScriptedCase):
    def run_of(self, *answers):
        server = self.serve(answer({**ACCEPTED, "task": "t"}, 202), *answers)
        return server, trigger_task_with_event("t")

    def test_shows_a_run_with_its_status_a_link_and_a_timeline_and_no_markup_of_others(self):
        server, run = self.run_of(answer(FAILED))
        self.assertEqual(run.url, f"{server.url}/dashboard/runs/run_1")
        shown = run._repr_html_()
        for part in ["failed", run.url, "in 2.00 s", "<svg", "&lt;script&gt;alert(1)&lt;/script&gt;", "attempt 1, succeeded"]:
            self.assertIn(part, shown)
        self.assertNotIn("<script", shown)
        self.assertNotIn("<b>:", shown)

    def test_raises_a_failure_only_if_it_is_told_to(self):
        _, run = self.run_of(answer(FAILED))
        self.assertEqual(run.result(show=False)["status"], "failed")
        with self.assertRaises(RunFailed) as raised:
            run.result(raise_on_failure=True, show=False)
        self.assertEqual((raised.exception.code, raised.exception.document["status"]), ("run_failed", "failed"))
        self.assertIn("<b> failed in attempt 1 with Error", raised.exception.detail)
        self.assertEqual(run.error()["message"], "<script>alert(1)</script>")
        _, run = self.run_of(answer(document("cancelled", task("t", "cancelled"))))
        with self.assertRaises(RunFailed) as raised:
            run.result(raise_on_failure=True, show=False)
        self.assertEqual(raised.exception.detail, "The run run_1 of t was cancelled.")
        hostile = {"name": "E\u009b1m", "message": "\x1b[2Jcleared\r\u202eturned\n10:00:09 t info forged", "stack": None}
        _, run = self.run_of(answer(document("failed", task("t", "failed", attempt("failed", hostile)))))
        with self.assertRaises(RunFailed) as raised:
            run.result(raise_on_failure=True, show=False)
        self.assertIn("E 1m: cleared turned 10:00:09 t info forged", raised.exception.detail)

    def test_tells_progress_and_each_log_line_once_while_it_waits(self):
        running = document("running", task("t", "running", attempt("running", to=None)))
        ended = document("succeeded", task("t", "succeeded", attempt()))
        two = "tw\x1b[31mo\u202e\n10:00:09 forged"
        _, run = self.run_of(answer(running), log("one"), answer(running), log("one", two), answer(ended), log("one", two, "three"))
        with unittest.mock.patch.object(sys, "stderr", io.StringIO()) as told:
            run.result(show=True)
        self.assertEqual(
            told.getvalue().splitlines(),
            [
                "10:00:00 t info one",
                "t running",
                "10:00:01 t info two 10:00:09 forged",
                "10:00:02 t info three",
                "t succeeded",
            ],
        )

    def test_changes_one_picture_in_a_notebook(self):
        pictures = []

        class Handle:
            def update(self, picture):
                pictures.append(picture)

        def display(picture, display_id):
            pictures.append(picture)
            return Handle()

        notebook = types.SimpleNamespace(
            get_ipython=lambda: types.SimpleNamespace(kernel=True),
            display=types.SimpleNamespace(HTML=lambda text: text, display=display),
        )
        running = document("running", task("t", "running", attempt("running", to=None)))
        ended = document("succeeded", task("t", "succeeded", attempt()))
        _, run = self.run_of(answer(running), log("<i>one"), answer(ended), log("<i>one"))
        with unittest.mock.patch.dict(sys.modules, {"IPython": notebook}):
            run.result()
        self.assertEqual(len(pictures), 2)
        self.assertIn("10:00:00 t info &lt;i&gt;one", pictures[0])
        self.assertIn(">succeeded<", pictures[1])

    def test_says_nothing_where_nobody_looks(self):
        server, run = self.run_of(answer(document("succeeded", task("t", "succeeded", attempt()))))
        with unittest.mock.patch.object(sys, "stderr", io.StringIO()) as told:
            run.result()
        self.assertEqual((told.getvalue(), len(server.asked)), ("", 2))


class Listing(ScriptedCase):
    def test_lists_runs_page_by_page_as_a_table(self):
        row = {"run_id": "run_1", "task": "<t>", "status": "failed", "failed_tasks": ["a", "b"], "duration_ms": None}
        server = self.serve(
            answer({"runs": [row] * 200, "next_cursor": "c"}), answer({"runs": [row] * 50, "next_cursor": "d"})
        )
        found = runs(task="t", limit=250)
        self.assertEqual((len(found), found[0]), (250, row))
        self.assertEqual(
            [asked["path"] for asked in server.asked],
            ["/api/v1/runs?task=t&limit=200", "/api/v1/runs?task=t&limit=50&cursor=c"],
        )
        shown = found._repr_html_()
        self.assertIn(f'href="{server.url}/dashboard/runs/run_1"', shown)
        self.assertIn("&lt;t&gt;", shown)
        self.assertIn("a, b", shown)

    def test_lists_tasks_with_their_schemas(self):
        one = {"task": "t", "method": "m", "upstream": [], "downstream": ["u"], "input_schema": {"type": "object"}}
        self.serve(answer({"tasks": [one]}))
        found = tasks()
        self.assertEqual(found, [one])
        self.assertIn("<td", found._repr_html_())

    def test_emits_an_event_once_and_gives_the_runs(self):
        server = self.serve(BREAK, answer({"runs": [{"run_id": "run_2", "task": "t"}]}, 202))
        [run] = emit_event("film.uploaded", {"id": 1})
        self.assertEqual(run.run_id, "run_2")
        first, second = server.asked
        self.assertEqual(first["headers"]["Idempotency-Key"], second["headers"]["Idempotency-Key"])

    def test_calls_an_endpoint_once_and_gives_its_answer_whatever_the_status(self):
        server = self.serve(
            answer([1, 2], 200, peach_component="history"),
            answer(b"no such user", 404, Content_Type="text/plain"),
            answer(b"\x00", 200, Content_Type="image/png"),
            BREAK,
        )
        found = call_endpoint("/recommendations", {"user": "ada & co", "limit": 3})
        self.assertEqual((found.status, found.value, found.headers["Peach-Component"]), (200, [1, 2], "history"))
        self.assertIsNone(found.headers["peach-fallback"])
        missing = call_endpoint("/recommendations", body={"a": 1})
        self.assertEqual((missing.status, missing.value), (404, "no such user"))
        self.assertEqual(call_endpoint("/picture").value, b"\x00")
        with self.assertRaises(ConnectionFailed):
            call_endpoint("/interactions", body=b"{}")
        self.assertEqual(
            [(asked["method"], asked["path"]) for asked in server.asked],
            [
                ("GET", "/recommendations?user=ada+%26+co&limit=3"),
                ("POST", "/recommendations"),
                ("GET", "/picture"),
                ("POST", "/interactions"),
            ],
        )
        self.assertEqual(server.asked[0]["headers"]["Authorization"], "Bearer secret")
        with self.assertRaises(PeachError) as refused:
            call_endpoint("https://elsewhere.example/")
        self.assertEqual(refused.exception.code, "invalid_request")

    def test_reads_logs_of_all_tasks_in_the_order_of_time(self):
        begun = document("succeeded", task("a", "succeeded", attempt()), task("b", "succeeded", attempt()), task("c", "skipped"))
        self.serve(answer({**ACCEPTED}, 202), answer(begun), log("first", "second"), log("third"))
        lines = trigger_task_with_event("t").logs()
        self.assertEqual([(line["task"], line["message"]) for line in lines], [("a", "first"), ("b", "third"), ("a", "second")])


class Finding(ScriptedCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.project = pathlib.Path(folder.name).resolve()
        self.addCleanup(os.chdir, os.getcwd())
        deep = self.project / "notebooks" / "deep"
        deep.mkdir(parents=True)
        os.chdir(deep)
        os.environ.pop("PEACH_API_TOKEN", None)

    def test_finds_the_local_runtime_and_its_token_in_the_project(self):
        server = self.serve(answer({"tasks": []}))
        os.environ.pop("PEACH_URL", None)
        state = self.project / ".peach/state/runtime"
        state.mkdir(parents=True)
        (state / "claim.json").write_text(json.dumps({"url": server.url}))
        (self.project / ".dev.vars").write_text('OTHER=x\nPEACH_API_TOKEN="local"\n')
        tasks()
        self.assertEqual(server.asked[0]["headers"]["Authorization"], "Bearer local")

    def test_reads_the_token_as_the_runtime_does(self):
        server = self.serve(answer({"tasks": []}))
        written = [
            "export PEACH_API_TOKEN=local\n",
            "PEACH_API_TOKEN=local # mine\r\n",
            "\ufeffPEACH_API_TOKEN = 'local' # mine\n",
            "PEACH_API_TOKEN=before\nPEACH_API_TOKEN=local\nPEACH_API_TOKENS=ci:read:0\n",
        ]
        for text in written:
            (self.project / ".dev.vars").write_text(text, encoding="utf-8")
            tasks()
        sent = [asked["headers"]["Authorization"] for asked in server.asked]
        self.assertEqual(sent, ["Bearer local"] * len(written))

    def test_sends_the_local_token_nowhere_else(self):
        (self.project / ".dev.vars").write_text("PEACH_API_TOKEN=local\n")
        os.environ["PEACH_URL"] = "https://peach.example"
        with self.assertRaises(PeachError) as raised:
            tasks()
        self.assertEqual((raised.exception.code, raised.exception.detail), ("not_configured", "There is no API token."))


class Numbers(ScriptedCase):
    def test_sends_numbers_of_numpy_as_the_numbers_they_are(self):
        # A stand-in: numpy itself is no dependency.
        number = type("int64", (), {"ndim": 0, "__init__": lambda self, value: setattr(self, "value", value)})
        number.item = lambda self: self.value
        number.__module__ = "numpy"
        server = self.serve(answer(ACCEPTED, 202))
        trigger_task_with_event("t", {"n": number(7), "x": [number(0.5)]})
        self.assertEqual(json.loads(server.asked[0]["body"]), {"n": 7, "x": [0.5]})
        with self.assertRaises(PeachError):
            trigger_task_with_event("t", {"n": number(2**60)})


if __name__ == "__main__":
    unittest.main()
