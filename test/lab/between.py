"""A server between the module and a pipeline (pipeline.ts): it passes calls on, loses some, and answers some itself."""

import http.client
import json
import os
import threading
import time
import unittest
import unittest.mock
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PASS = object()
"""Peach answers."""
BREAK = object()
"""The connection ends before Peach hears of the call."""
LOSE = object()
"""Peach does what is asked, and the connection ends before it can say so."""


def call_pipeline(method, path, body=None, headers=None):
    address = urllib.parse.urlsplit(os.environ["PIPELINE_URL"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def pass_time(seconds):
    """Lets time pass in the pipeline."""
    call_pipeline("POST", f"/pass/{round(seconds * 1000)}")


class Server:
    """Does this with the calls that come, one after the other, and passes on what comes after; notes what it was asked."""

    def __init__(self, *turns):
        self.asked = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append({"method": self.command, "path": self.path, "headers": self.headers, "body": body})
                given = turns[len(asked) - 1] if len(asked) <= len(turns) else PASS
                if given in (PASS, LOSE):
                    answered = call_pipeline(self.command, self.path, body or None, dict(self.headers))
                if given in (BREAK, LOSE):
                    self.connection.close()
                    return
                status, data, headers = answered if given is PASS else given
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("connection", "content-length", "keep-alive", "transfer-encoding"):
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
    """An answer that is not Peach's."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return status, data, {"Content-Type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}


UNAVAILABLE = answer(b"<html>no worker answers", 503)
"""What the platform says in place of a worker."""


class PipelineCase(unittest.TestCase):
    """Each test begins with a pipeline of its own. What the module sleeps passes in the pipeline only."""

    def setUp(self):
        os.environ.pop("PEACH_URL", None)
        os.environ["PEACH_API_TOKEN"] = self.token()
        call_pipeline("POST", "/begin")
        sleep = unittest.mock.patch.object(time, "sleep", pass_time)
        sleep.start()
        self.addCleanup(sleep.stop)

    @staticmethod
    def token():
        return os.environ["PIPELINE_TOKEN"]

    def serve(self, *turns):
        server = Server(*turns)
        self.addCleanup(server.close)
        os.environ["PEACH_URL"] = server.url + "/"
        return server
