"""An object store on the loopback address: moto's S3 server, with what goes wrong with real ones.

Used by the tests too. Nothing leaves this machine, and what is stored is gone when it stops.
"""

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.types import WSGIApplication as Application

from moto.server import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

BUCKET = "bucket"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}
ENVIRONMENT = {
    **CREDENTIALS,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null",
}
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'


ANSWERS = {
    "busy": ("503 Slow Down", "SlowDown"),
    "failed": ("500 Internal Server Error", "InternalError"),
}


@dataclass
class Fault:
    """Something that goes wrong with requests.

    Attributes:
        what: "busy" (503 SlowDown, nothing done), "dropped" (the connection ends, nothing done),
            "lost" (done, then the connection ends) or "failed" (done, then 500).
        method: of the requests it befalls.
        key: a pattern that their object's path holds.
        times: how often; the first ones.
    """

    what: str
    method: str
    key: str = ""
    times: int = 1
    happened: int = 0


@dataclass
class S3:
    """A server that runs.

    Attributes:
        url: its address.
        requests: (method, path) of every request since the last `forget`.
        latency: seconds that each request waits before it is answered.
        faults: what goes wrong.
    """

    url: str
    requests: list[tuple[str, str]] = field(default_factory=list)
    latency: float = 0.0
    faults: list[Fault] = field(default_factory=list)
    before: Callable[[str, str], None] | None = None

    def forget(self) -> None:
        """Start anew: no requests, no faults, no latency."""
        self.requests.clear()
        self.faults.clear()
        self.latency, self.before = 0.0, None

    def counts(self) -> Counter[str]:
        """Requests by method."""
        return Counter(method for method, _ in self.requests)


class _Kept(WSGIRequestHandler):
    """Keeps connections, as real servers do. Werkzeug ends each with its first answer, since it
    does not know where a request ends that an application leaves unread; here it is read first."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # a head and its body go together

    def setup(self) -> None:
        super().setup()
        self.server.kept.add(self.connection)

    def finish(self) -> None:
        self.server.kept.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        environ = self.make_environ()
        body, length = environ["wsgi.input"], int(environ.get("CONTENT_LENGTH") or 0)
        chunked = environ.get("wsgi.input_terminated", False)
        environ["wsgi.input"] = BytesIO(body.read() if chunked else body.read(length))
        try:
            content, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        except ConnectionError:
            self.close_connection = True
            return
        answer = b"".join(content)
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if "Content-Length" not in headers and code != "204":
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log(self, *_: Any, **__: Any) -> None:
        pass


class _Faulty:
    """A server's application behind what goes wrong."""

    def __init__(self, server: S3, app: Application):
        self._server = server
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Any:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._lock:
            self._server.requests.append((method, path))
            fault = self._fault(method, path)
        if self._server.before is not None:
            self._server.before(method, path)
        time.sleep(self._server.latency)
        if fault is None:
            return self._app(environ, start)
        if fault.what in ("lost", "failed"):
            done = self._app(environ, lambda *_: lambda _: None)
            for _ in done:
                pass
        if fault.what in ("lost", "dropped"):
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        if fault.what == "busy":
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        status, code = ANSWERS[fault.what]
        body = ERROR.format(code, "please try again").encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
        start(status, headers)
        return [body]

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self._server.faults:
            fits = fault.method == method and re.search(fault.key, path)
            if fits and fault.happened < fault.times:
                fault.happened += 1
                return fault
        return None


@contextmanager
def s3_server() -> Iterator[S3]:
    """Run a server with one empty bucket, `BUCKET`; needs `ENVIRONMENT` in its clients."""
    # For S3 alone: to find out a service moto lists its folders at each request.
    with serving(create_backend_app("s3")) as server:
        _make_bucket(server.url)
        server.forget()
        yield server


@contextmanager
def serving(app: Application) -> Iterator[S3]:
    """Run an application on the loopback address, in threads of this process."""
    server = S3("")
    faulty = _Faulty(server, app)
    http = make_server("127.0.0.1", 0, faulty, threaded=True, request_handler=_Kept)
    http.kept = set()
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
        for connection in list(http.kept):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _make_bucket(url: str) -> None:
    import botocore.session

    client = botocore.session.get_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()
