"""The module with Peach itself: run by module.test.ts."""

import datetime
import inspect
import io
import json
import sys
import types
import unittest
import unittest.mock
import urllib.parse

from between import BREAK, LOSE, PASS, UNAVAILABLE, PipelineCase, call_pipeline, pass_time
from pipe_algorithms_lib import _show, task_helpers
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


def nested(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


class Triggering(PipelineCase):
    def test_sends_source_token_and_a_key(self):
        server = self.serve()
        run = trigger_task_with_event("echo", {"a": [1, "ü", None]}, delay=datetime.timedelta(minutes=1.5))
        self.assertEqual((run.task, run.deduplicated, run.status()), ("echo", False, "queued"))
        asked = server.asked[0]
        self.assertEqual(asked["path"], "/api/v1/tasks/echo/trigger?delay=90000ms")
        self.assertRegex(asked["headers"]["Idempotency-Key"], "^lab-[0-9a-f-]{36}$")
        pass_time(89)
        self.assertEqual(run.status(), "queued")
        pass_time(1)
        self.assertEqual((run.status(), run.payload("after")), ("succeeded", {"a": [1, "ü", None]}))
        self.assertEqual(run.document()["trigger"]["source"], "lab")

    def test_sends_each_tag(self):
        self.serve()
        run = trigger_task_with_event("echo", None, tags=["news", "lang:de"])
        trigger_task_with_event("echo", None, tags=["news"])
        pass_time(2)
        self.assertEqual(run.document()["tags"], ["news", "lang:de"])
        self.assertEqual([row["run_id"] for row in runs(tags=["news", "lang:de"])], [run.run_id])

    def test_tells_kinds_by_their_content_type(self):
        server = self.serve()
        for payload, body, content_type, read in [
            (b"\x00\xff", b"\x00\xff", "application/octet-stream", b"\x00\xff"),
            (bytearray(b"ab"), b"ab", "application/octet-stream", b"ab"),
            (memoryview(b"ab")[1:], b"b", "application/octet-stream", b"b"),
            ("grüezi", "grüezi".encode(), "text/plain; charset=utf-8", "grüezi"),
            ("", b"", "text/plain; charset=utf-8", ""),
            ("\ud800", b'"\\ud800"', "application/json", "\ud800"),
            ((1, 2), b"[1,2]", "application/json", [1, 2]),
            (None, b"null", "application/json", None),
            (True, b"true", "application/json", True),
            (1.5, b"1.5", "application/json", 1.5),
            (-0.0, b"-0.0", "application/json", 0),
            (1e30, b"1e+30", "application/json", 1e30),
            ([2**53 - 1, 1 - 2**53], b"[9007199254740991,-9007199254740991]", "application/json", [2**53 - 1, 1 - 2**53]),
            (nested(400), b"[" * 401 + b"]" * 401, "application/json", nested(400)),
        ]:
            server.asked.clear()
            run = trigger_task_with_event("echo", payload)
            self.assertEqual((server.asked[0]["body"], server.asked[0]["headers"]["Content-Type"]), (body, content_type))
            pass_time(1)
            passed = run.payload("after")
            self.assertEqual((type(passed), passed), (type(read), read))
            self.assertEqual(run.payload(), read)

    def test_refuses_what_would_not_come_out_as_it_went_in(self):
        server = self.serve()
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
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("echo", payload)
            self.assertEqual(raised.exception.code, "payload_not_serializable")
            self.assertIn(place, raised.exception.detail)
        self.assertEqual(server.asked, [])

    def test_refuses_what_this_interpreter_has_no_levels_for(self):
        server = self.serve()

        def deep(levels):
            return trigger_task_with_event("echo", nested(400)) if levels == 0 else deep(levels - 1)

        with self.assertRaises(PeachError) as raised:
            deep(sys.getrecursionlimit() - len(inspect.stack()) - 100)
        self.assertEqual(raised.exception.code, "payload_not_serializable")
        self.assertEqual(raised.exception.errors[0]["path"], "$")
        self.assertEqual(server.asked, [])

    def test_starts_one_run_however_often_the_connection_breaks(self):
        server = self.serve(BREAK, LOSE, UNAVAILABLE)
        run = trigger_task_with_event("echo", "x")
        self.assertEqual(len(server.asked), 4)
        self.assertFalse(run.deduplicated)
        pass_time(2)
        self.assertEqual([row["run_id"] for row in runs()], [run.run_id])

    def test_says_that_a_key_was_used_before(self):
        self.serve()
        first, again = [trigger_task_with_event("echo", idempotency_key="mine") for _ in range(2)]
        self.assertEqual((first.deduplicated, again.deduplicated, again.run_id), (False, True, first.run_id))

    def test_sends_numbers_of_numpy_as_the_numbers_they_are(self):
        # A stand-in: numpy itself is no dependency.
        number = type("int64", (), {"ndim": 0, "__init__": lambda self, value: setattr(self, "value", value)})
        number.item = lambda self: self.value
        number.__module__ = "numpy"
        self.serve()
        self.assertEqual(trigger_task_with_event("echo", {"n": number(7), "x": [number(0.5)]}).payload(), {"n": 7, "x": [0.5]})
        with self.assertRaises(PeachError):
            trigger_task_with_event("echo", {"n": number(2**60)})

    def test_raises_what_peach_refuses_with_its_hint(self):
        server = self.serve()
        with self.assertRaises(PeachError) as raised:
            trigger_task_with_event("typed", {"text": 1})
        error = raised.exception
        self.assertEqual((error.code, error.status, error.errors[0]["path"]), ("invalid_payload", 400, "$.text"))
        self.assertTrue(error.request_id)
        self.assertTrue(error.hint)
        self.assertEqual(str(error), f"{error.detail}\n  $.text: {error.errors[0]['message']}\n{error.hint} [invalid_payload]")
        self.assertEqual(len(server.asked), 1)
        for call in [lambda: trigger_task_with_event("../../tasks"), lambda: find_run("../tasks")]:
            with self.assertRaises(PeachError) as raised:
                call()
            self.assertIn(raised.exception.code, ["unknown_task", "unknown_run"])

    def test_refuses_wrong_arguments(self):
        server = self.serve()
        for arguments in [{"delay": "soon"}, {"delay": "1.5h"}, {"idempotency_key": ""}, {"idempotency_key": "ü"}]:
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("echo", **arguments)
            self.assertEqual(raised.exception.code, "invalid_request")
        self.assertEqual(server.asked, [])


class Results(PipelineCase):
    def test_waits_through_broken_connections(self):
        self.serve(PASS, PASS, BREAK, UNAVAILABLE, LOSE)
        document = trigger_task_with_event("echo", "x", delay="3s").result("30s")
        self.assertEqual((document["status"], document["created_at"], document["finished_at"][:19]),
                         ("succeeded", "2026-11-22T10:00:00.000Z", "2026-11-22T10:00:03"))

    def test_raises_after_the_timeout_and_can_be_called_again(self):
        self.serve()
        run = trigger_task_with_event("echo", delay="5s")
        with self.assertRaises(ResultTimeout) as raised:
            run.result(0)
        self.assertIsInstance(raised.exception, TimeoutError)
        self.assertEqual(raised.exception.detail, f"The run {run.run_id} is still queued after 0ms.")
        self.assertEqual(run.status(), "queued")
        self.assertEqual(run.result()["status"], "succeeded")

    def test_reads_payloads_as_the_kind_they_are(self):
        self.serve()
        for body, content_type, value in [
            (b'{"a":1}', "application/json", {"a": 1}),
            (b"[1]", "application/cloudevents+json", [1]),
            ("ü".encode(), "text/plain; charset=utf-8", "ü"),
            (b"a,b", "text/csv", b"a,b"),
            (b"\xfc", "text/plain; charset=latin-1", b"\xfc"),
            (b"", "application/octet-stream", b""),
        ]:
            headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": content_type}
            _, accepted, _ = call_pipeline("POST", "/api/v1/tasks/echo/trigger", body, headers)
            self.assertEqual(find_run(json.loads(accepted)["run_id"]).payload(), value)

    def test_finds_a_run_again(self):
        self.serve()
        run = trigger_task_with_event("echo", 1)
        self.assertEqual(repr(find_run(run.run_id)), f"TriggeredRun(run_id='{run.run_id}', task='echo')")


class Helpers(unittest.TestCase):
    def test_say_that_they_belong_inside_tasks(self):
        for helper in [pass_to_child_task, pass_data_to_downstream, read_from_parent_task]:
            with self.assertRaises(OutsideTaskError) as raised:
                helper("x")
            self.assertEqual(raised.exception.code, "outside_task")
            self.assertIn(f"{helper.__name__}() works only inside a task", raised.exception.detail)


class Showing(PipelineCase):
    def failed(self, name, message):
        run = trigger_task_with_event("failing", {"name": name, "message": message})
        self.assertEqual(run.result(show=False)["status"], "failed")
        return run

    def test_shows_a_run_with_its_status_a_link_and_a_timeline_and_no_markup_of_others(self):
        server = self.serve()
        run = self.failed("<b>", "<script>alert(1)</script>")
        self.assertEqual(run.url, f"{server.url}/dashboard/runs/{run.run_id}")
        shown = run._repr_html_()
        for part in ["failed", run.url, "in 0.00 s", "<svg", "&lt;script&gt;alert(1)&lt;/script&gt;", "attempt 1, failed"]:
            self.assertIn(part, shown)
        self.assertNotIn("<script", shown)
        self.assertNotIn("<b>:", shown)
        # No task is called so; the page must not depend on it.
        document = run.document()
        [task] = document["tasks"]
        hostile = {**document, "task": "<i>", "run_id": "<i>", "tasks": [{**task, "task": "<i>", "status": "<i>"}]}
        self.assertNotIn("<i>", _show.run_html(hostile, "<i>"))

    def test_raises_a_failure_only_if_it_is_told_to(self):
        self.serve()
        run = self.failed("Error", "<script>alert(1)</script>")
        with self.assertRaises(RunFailed) as raised:
            run.result(raise_on_failure=True, show=False)
        self.assertEqual((raised.exception.code, raised.exception.document["status"]), ("run_failed", "failed"))
        self.assertIn("failing failed in attempt 1 with Error", raised.exception.detail)
        self.assertEqual(run.error()["message"], "<script>alert(1)</script>")
        run = trigger_task_with_event("echo", delay="1h")
        run.cancel()
        with self.assertRaises(RunFailed) as raised:
            run.result(raise_on_failure=True, show=False)
        self.assertEqual(raised.exception.detail, f"The run {run.run_id} of echo was cancelled.")
        run = self.failed("E\u009b1m", "\x1b[2Jcleared\r\u202eturned\n10:00:09 t info forged")
        with self.assertRaises(RunFailed) as raised:
            run.result(raise_on_failure=True, show=False)
        self.assertIn("E 1m: cleared turned 10:00:09 t info forged", raised.exception.detail)

    def test_tells_progress_and_each_log_line_once_while_it_waits(self):
        self.serve()
        run = trigger_task_with_event("speaking", ["one", "tw\x1b[31mo\u202e\n10:00:09 forged", "three"])
        with unittest.mock.patch.object(sys, "stderr", io.StringIO()) as told:
            run.result(show=True)
        self.assertEqual(
            told.getvalue().splitlines(),
            [
                "speaking running",
                "10:00:00 speaking info one",
                "10:00:01 speaking info two 10:00:09 forged",
                "10:00:02 speaking info three",
                "speaking succeeded",
            ],
        )

    def test_changes_one_picture_in_a_notebook(self):
        pictures = []
        shown = []

        class Handle:
            def update(self, picture):
                pictures.append(picture)

        def display(picture, display_id):
            shown.append(picture)
            return Handle()

        notebook = types.SimpleNamespace(
            get_ipython=lambda: types.SimpleNamespace(kernel=True),
            display=types.SimpleNamespace(HTML=lambda text: text, display=display),
        )
        self.serve()
        run = trigger_task_with_event("speaking", ["<i>one", "two"])
        with unittest.mock.patch.dict(sys.modules, {"IPython": notebook}):
            run.result()
        self.assertEqual(len(shown), 1)
        self.assertIn(">running<", shown[0])
        running = [picture for picture in pictures if ">running<" in picture]
        self.assertIn("10:00:00 speaking info &lt;i&gt;one", running[-1])
        self.assertIn(">succeeded<", pictures[-1])

    def test_says_nothing_where_nobody_looks(self):
        server = self.serve()
        run = trigger_task_with_event("echo")
        pass_time(1)
        server.asked.clear()
        with unittest.mock.patch.object(sys, "stderr", io.StringIO()) as told:
            run.result()
        self.assertEqual((told.getvalue(), len(server.asked)), ("", 1))


class Listing(PipelineCase):
    def test_lists_runs_page_by_page_as_a_table(self):
        server = self.serve()
        started = []
        for _ in range(3):
            started.append(trigger_task_with_event("failing", {"name": "Error", "message": "no"}))
            pass_time(1)
        other = trigger_task_with_event("echo")
        pass_time(2)
        found = runs(task="failing", limit=250)
        self.assertEqual([row["run_id"] for row in found], [run.run_id for run in reversed(started)])
        self.assertIn("limit=200", server.asked[-1]["path"])
        shown = found._repr_html_()
        self.assertIn(f'href="{started[2].url}"', shown)
        self.assertIn(">failing<", shown)
        self.assertNotIn(other.run_id, shown)
        with unittest.mock.patch.object(task_helpers, "_RUN_PAGE", 2):
            server.asked.clear()
            self.assertEqual(runs(task="failing", status="failed"), found)
            self.assertEqual(len(server.asked), 2)
            self.assertEqual(runs(limit=3), [*runs(task="echo"), *found[:2]])

    def test_lists_tasks_with_their_schemas(self):
        self.serve()
        found = tasks()
        [typed] = [task for task in found if task["task"] == "typed"]
        self.assertEqual(typed["input_schema"]["required"], ["text"])
        self.assertIn("&lt;i&gt;typed&lt;/i&gt;", found._repr_html_())
        self.assertNotIn("<i>", found._repr_html_())

    def test_emits_an_event_once_and_gives_the_runs(self):
        self.serve(LOSE, BREAK)
        [run] = emit_event("film.uploaded", {"id": 1})
        pass_time(2)
        self.assertEqual((run.task, run.payload("listening")), ("listening", {"id": 1}))
        self.assertEqual([row["run_id"] for row in runs()], [run.run_id])
        self.assertEqual(emit_event("nobody.listens"), [])

    def test_calls_an_endpoint_once_and_gives_its_answer_whatever_the_status(self):
        self.serve()
        found = call_endpoint("/recommendations", {"user": "ada & co", "limit": 3})
        self.assertEqual((found.status, found.value, found.headers["Peach-Component"]), (200, ["ada & co", 3], "history"))
        self.assertIsNone(found.headers["peach-fallback"])
        for status, kind, body, value in [
            (404, "text/plain", "no such user", "no such user"),
            (200, "image/png", b"\x00", b"\x00"),
            (200, "application/problem+json", {"a": [1]}, {"a": [1]}),
        ]:
            shown = call_endpoint(f"/shown?{urllib.parse.urlencode({'status': status, 'type': kind})}", body=body)
            self.assertEqual((shown.status, shown.value), (status, value))
        server = self.serve(LOSE)
        with self.assertRaises(ConnectionFailed):
            call_endpoint("/shown?status=200", body=b"{}")
        self.assertEqual([asked["method"] for asked in server.asked], ["POST"])
        with self.assertRaises(PeachError) as refused:
            call_endpoint("https://elsewhere.example/")
        self.assertEqual(refused.exception.code, "invalid_request")

    def test_reads_logs_of_all_tasks_in_the_order_of_time(self):
        self.serve()
        run = trigger_task_with_event("fork")
        run.result()
        lines = [(line["task"], line["message"]) for line in run.logs()]
        self.assertEqual(lines, [("even", "first"), ("odd", "second of odd"), ("even", "third")])


if __name__ == "__main__":
    unittest.main()
