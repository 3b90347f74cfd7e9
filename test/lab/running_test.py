"""The module against a running runtime with test/e2e/fixtures/lab: run by test/e2e/lab.test.ts."""

import os
import unittest
import urllib.request
import uuid

from pipe_algorithms_lib.task_helpers import (
    PeachError,
    ResultTimeout,
    RunFailed,
    emit_event,
    find_run,
    runs,
    tasks,
    trigger_task_with_event,
)

KINDS = [
    {"key1": "value1", "nested": {"list": [1, 2.5, True, None, "ü"]}},
    [],
    [{"a": 1}],
    "grüezi \U0001f351",
    "",
    '{"looks": "like JSON"}',
    "line\r\nbreaks\ufeff",
    b"\x00\xff\xfe",
    b"",
    b"{}",
    0,
    -1.5,
    True,
    None,
    "large " * 100_000,
    os.urandom(300_000),
]


class Running(unittest.TestCase):
    def test_gives_back_every_kind_as_it_went_in(self):
        for payload in KINDS:
            run = trigger_task_with_event("echo", payload)
            self.assertEqual(run.result(timeout="60s")["status"], "succeeded")
            for read in [run.payload(), run.payload("echo"), run.payload("after")]:
                self.assertEqual((type(read), read), (type(payload), payload))

    def test_comes_from_the_lab(self):
        document = trigger_task_with_event("echo").result(60)
        self.assertEqual((document["trigger"]["source"], document["task"]), ("lab", "echo"))
        self.assertEqual([task["task"] for task in document["tasks"]], ["echo", "after"])

    def test_finds_the_run_of_a_key_again(self):
        key = str(uuid.uuid4())
        first = trigger_task_with_event("echo", 1, idempotency_key=key)
        again = trigger_task_with_event("echo", 1, idempotency_key=key)
        self.assertEqual((again.run_id, first.deduplicated, again.deduplicated), (first.run_id, False, True))
        with self.assertRaises(PeachError) as raised:
            trigger_task_with_event("echo", 2, idempotency_key=key)
        self.assertEqual(raised.exception.code, "idempotency_mismatch")
        first.result(60)
        self.assertEqual(find_run(first.run_id).payload("after"), 1)
        self.assertNotEqual(trigger_task_with_event("echo", 1).run_id, first.run_id)

    def test_waits_no_longer_than_it_is_told(self):
        gate = str(uuid.uuid4())
        run = trigger_task_with_event("held", gate)
        with self.assertRaises(ResultTimeout):
            run.result(timeout=0.3)
        self.assertIn(run.status(), ["queued", "running"])
        # The gate may be reached only now.
        while run.status() not in ["succeeded", "failed"]:
            urllib.request.urlopen(f"{os.environ['RECORDER_URL']}/open/{gate}").close()
        self.assertEqual(run.payload("held"), "let go")

    def test_starts_later(self):
        run = trigger_task_with_event("echo", delay="30d")
        self.assertEqual(run.status(), "queued")

    def test_returns_the_document_of_a_failed_run(self):
        document = trigger_task_with_event("failing", "x").result(60)
        self.assertEqual(document["status"], "failed")
        self.assertEqual(document["tasks"][0]["attempts"][0]["error"]["name"], "RangeError")

    def test_raises_a_failure_and_mends_it_by_a_retry(self):
        run = trigger_task_with_event("failing", "x")
        with self.assertRaises(RunFailed) as raised:
            run.result(60, raise_on_failure=True)
        self.assertIn("failing failed in attempt 1 with RangeError: the first attempt fails", raised.exception.detail)
        error = run.error()
        self.assertEqual((error["task"], error["name"]), ("failing", "RangeError"))
        run.retry()
        self.assertEqual(run.result(60, raise_on_failure=True)["status"], "succeeded")
        self.assertIsNone(run.error())
        self.assertIn(">succeeded<", run._repr_html_())
        again = run.replay("y")
        # A replay has attempts of its own, so the first one fails again.
        self.assertEqual(again.result(60)["status"], "failed")
        self.assertEqual((again.payload(), run.payload()), ("y", "x"))
        self.assertNotEqual(again.run_id, run.run_id)
        part = run.replay(from_task="mended")
        self.assertEqual((part.result(60)["status"], part.payload("mended")), ("succeeded", "x"))

    def test_cancels(self):
        run = trigger_task_with_event("held", str(uuid.uuid4()))
        self.assertEqual(run.cancel()["status"], "cancelled")
        with self.assertRaises(PeachError) as raised:
            run.cancel()
        self.assertEqual(raised.exception.code, "run_final")

    def test_reads_logs_and_items(self):
        run = trigger_task_with_event("echo", 1)
        run.result(60)
        self.assertEqual(
            [(line["task"], line["message"], line["fields"]) for line in run.logs()],
            [("echo", "echoed", {"task": "echo"}), ("after", "echoed", {"task": "after"})],
        )
        self.assertEqual([line["task"] for line in run.logs("after")], ["after"])
        mapped = trigger_task_with_event("split", ["a", "bad", "b"])
        mapped.result(60)
        self.assertEqual([item["status"] for item in mapped.items("piece")], ["succeeded", "failed", "succeeded"])
        self.assertEqual([item["index"] for item in mapped.items("piece", status="failed")], [1])

    def test_lists_runs_and_tasks_and_emits_events(self):
        [run] = emit_event("lab.happened", {"n": 1})
        self.assertEqual((run.task, run.result(60)["trigger"]["source"]), ("listening", "event"))
        found = []
        # A list of runs is a second behind.
        while run.run_id not in [row["run_id"] for row in found]:
            found = runs(task="listening", status="succeeded")
        self.assertIn(run.url, found._repr_html_())
        [typed] = [task for task in tasks() if task["task"] == "typed"]
        self.assertEqual(typed["input_schema"]["required"], ["text"])

    def test_raises_what_is_refused(self):
        for code, call in [
            ("unknown_task", lambda: trigger_task_with_event("ehco", 1)),
            ("invalid_payload", lambda: trigger_task_with_event("typed", {"text": 1})),
            ("unknown_run", lambda: find_run("run_x")),
            ("no_payload", lambda: trigger_task_with_event("echo", delay="30d").payload("after")),
            ("unauthorized", lambda: trigger_task_with_event("echo", token="wrong")),
        ]:
            with self.assertRaises(PeachError) as raised:
                call()
            self.assertEqual(raised.exception.code, code)
            self.assertTrue(raised.exception.hint)


if __name__ == "__main__":
    unittest.main()
