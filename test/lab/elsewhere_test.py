"""The module where Peach cannot be reached as it should be, and how it finds a runtime: run by module.test.ts."""

import datetime
import email.utils
import json
import os
import pathlib
import sys
import tempfile
import time
import unittest.mock

from between import PipelineCase, answer
from pipe_algorithms_lib import _transport
from pipe_algorithms_lib.task_helpers import ConnectionFailed, PeachError, tasks, trigger_task_with_event


class Answers(PipelineCase):
    """What only a server that is not Peach answers, or what Peach answers when it is down."""

    def test_waits_at_least_as_long_as_it_is_asked_to(self):
        date = email.utils.format_datetime(datetime.datetime(2026, 11, 29, 10, 0, 3, tzinfo=datetime.timezone.utc), True)
        for retry_after, at_least in [("1", 1), ("2", 2), (date, 3), ("soon", 0), ("\u00b2", 0)]:
            slow = answer({}, 503, Retry_After=retry_after, Date="Sun, 29 Nov 2026 10:00:00 GMT")
            self.serve(slow, slow, slow)
            waits = []
            with unittest.mock.patch.object(time, "sleep", waits.append):
                self.assertEqual(_transport._connect(None, None).request("GET", "/tasks", patience=60).status, 200)
            self.assertEqual(len(waits), 3)
            for wait in waits:
                self.assertGreaterEqual(wait, at_least)
                self.assertLess(wait, at_least + 1)

    def test_follows_no_redirect_with_its_token(self):
        other = self.serve()
        self.serve(answer(b"moved", 302, Location=f"{other.url}/login"))
        with self.assertRaises(PeachError) as raised:
            trigger_task_with_event("echo")
        self.assertEqual(raised.exception.code, "unexpected_answer")
        self.assertEqual(other.asked, [])

    def test_says_that_something_else_answers(self):
        for given in [answer(b"<html>", 200), answer(b"<html>", 404), answer([], 404)]:
            self.serve(given)
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("echo")
            self.assertEqual(raised.exception.code, "unexpected_answer")

    def test_says_that_nobody_is_there(self):
        with self.assertRaises(ConnectionFailed) as raised:
            _transport._connect("http://127.0.0.1:1", None).request("GET", "/runs/x", patience=0.2)
        self.assertIn("npm run dev", raised.exception.hint)

    def test_says_soon_and_once_that_nobody_is_there_while_it_waits_for_a_result(self):
        clock = [0.0]
        said = []

        def sleep(seconds):
            clock[0] += seconds

        def write(text):
            if text.strip():
                said.append((clock[0], text))

        told = unittest.mock.Mock(write=write)
        with unittest.mock.patch.object(time, "sleep", sleep):
            with unittest.mock.patch.object(time, "monotonic", lambda: clock[0]):
                with unittest.mock.patch.object(sys, "stderr", told), self.assertRaises(ConnectionFailed):
                    _transport._connect("http://127.0.0.1:1", None).request("GET", "/runs/x", patience=60)
        self.assertGreater(clock[0], 55)
        [(at, text)] = said
        self.assertLess(at, 5)
        self.assertRegex(text, r"^http://127\.0\.0\.1:1 cannot be reached: .* Trying again for 5\d s\.$")

    def test_says_what_is_not_configured(self):
        for url, token, detail in [
            ("", "t", "Nobody has said where Peach runs."),
            ("peach.example", "t", "PEACH_URL is no URL: 'peach.example'."),
            ("http://x/api/v1/", "t", "PEACH_URL ends with /api/v1: 'http://x/api/v1'."),
            ("http://x", "", "There is no API token."),
            ("http://x", "a b", "The API token has characters that no token has."),
        ]:
            os.environ["PEACH_URL"], os.environ["PEACH_API_TOKEN"] = url, token
            with self.assertRaises(PeachError) as raised:
                trigger_task_with_event("echo")
            self.assertEqual((raised.exception.code, raised.exception.detail), ("not_configured", detail))


class Finding(PipelineCase):
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
        server = self.serve()
        os.environ.pop("PEACH_URL", None)
        state = self.project / ".peach/state/runtime"
        state.mkdir(parents=True)
        (state / "claim.json").write_text(json.dumps({"url": server.url}))
        (self.project / ".dev.vars").write_text(f'OTHER=x\nPEACH_API_TOKEN="{self.token()}"\n')
        self.assertIn("echo", [task["task"] for task in tasks()])

    def test_reads_the_token_as_the_runtime_does(self):
        self.serve()
        token = self.token()
        for text in [
            f"export PEACH_API_TOKEN={token}\n",
            f"PEACH_API_TOKEN={token} # mine\r\n",
            f"\ufeffPEACH_API_TOKEN = '{token}' # mine\n",
            f"PEACH_API_TOKEN=before\nPEACH_API_TOKEN={token}\nPEACH_API_TOKENS=ci:read:0\n",
        ]:
            (self.project / ".dev.vars").write_text(text, encoding="utf-8")
            self.assertIn("echo", [task["task"] for task in tasks()])
        (self.project / ".dev.vars").write_text("PEACH_API_TOKEN=another\n")
        with self.assertRaises(PeachError) as raised:
            tasks()
        self.assertEqual(raised.exception.code, "unauthorized")

    def test_sends_the_local_token_nowhere_else(self):
        (self.project / ".dev.vars").write_text("PEACH_API_TOKEN=local\n")
        os.environ["PEACH_URL"] = "https://peach.example"
        with self.assertRaises(PeachError) as raised:
            tasks()
        self.assertEqual((raised.exception.code, raised.exception.detail), ("not_configured", "There is no API token."))


if __name__ == "__main__":
    unittest.main()
