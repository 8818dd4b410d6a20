"""As much of Google's Cloud Storage as gcsfs asks us for, by its JSON API: one bucket, in memory.

https://cloud.google.com/storage/docs/json_api says what is answered, refusals too: preconditions,
ranges behind an end, names that are not there. No emulator that is a package refuses by
`ifGenerationMatch`, on which our stores stand.
"""

import json
import re
import threading
from datetime import UTC, datetime
from email.parser import BytesParser
from itertools import count
from typing import Any

from werkzeug.wrappers import Request, Response

from benchmarks.s3 import BUCKET

PAGE = 3  # names that a listing tells at a time, so that there are several


class Refused(Exception):
    """An answer of that status."""


class Gcs:
    """The application."""

    def __init__(self) -> None:
        self._objects: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._uploads: dict[str, tuple[str, bool, bytearray]] = {}
        self._number = count(1)
        self._lock = threading.Lock()

    def __call__(self, environ, start):
        request = Request(environ)
        try:
            with self._lock:
                answer = self._answer(request)
        except Refused as refused:
            status = refused.args[0]
            error = {"error": {"code": status, "message": f"refused with {status}"}}
            answer = Response(json.dumps(error), status, content_type="application/json")
        return answer(environ, start)

    def _answer(self, request: Request) -> Response:
        method, args = request.method, request.args
        place = re.fullmatch(r"(/\w+)?/storage/v1/b/([^/]+)(?:/o(?:/(.+))?)?", request.path, re.S)
        if place is None or place[2] != BUCKET:
            raise Refused(404)
        to, name = place[1], place[3]
        if to == "/upload":
            return self._upload(request)
        if name is None:
            return _told(self._listed(**args.to_dict()))
        if method == "POST":
            name, new = re.fullmatch(rf"(.+)/rewriteTo/b/{BUCKET}/o/(.+)", name, re.S).groups()
            made = self._made(new, self._found(name)[0], new=False)
            return _told({"done": True, "resource": made})
        data, about = self._found(name)
        if method == "DELETE":
            del self._objects[name]
            return Response(status=204)
        if args.get("alt") != "media":
            return _told(about)
        first, last = 0, len(data) - 1
        if "Range" in request.headers:
            first, end = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers["Range"]).groups()
            first, last = int(first), min(last, int(end or last))
            if first >= len(data):
                raise Refused(416)
        return Response(data[first : last + 1], 206 if "Range" in request.headers else 200)

    def _upload(self, request: Request) -> Response:
        args, body = request.args, request.get_data()
        new = args.get("ifGenerationMatch") == "0"
        if args["uploadType"] == "multipart":
            head = f"Content-Type: {request.headers['Content-Type']}\n\n".encode()
            about, data = BytesParser().parsebytes(head + body).get_payload()
            name = json.loads(about.get_payload())["name"]
            return _told(self._made(name, data.get_payload(decode=True), new))
        if "upload_id" not in args:
            name, upload = args["name"], str(next(self._number))
            self._refuse_old(name, new)
            self._uploads[upload] = name, new, bytearray()
            return Response(headers={"Location": f"{request.url}&upload_id={upload}"})
        if request.method == "DELETE":
            self._uploads.pop(args["upload_id"])
            return Response(status=499)
        name, new, data = self._uploads[args["upload_id"]]
        first, last, size = re.fullmatch(
            r"bytes (\d+)-(\d+)/(\d+)", request.headers["Content-Range"]
        ).groups()
        data[int(first) :] = body
        if len(data) < int(size):
            return Response(status=308, headers={"Range": f"bytes=0-{last}"})
        return _told(self._made(name, bytes(data), new))

    def _found(self, name: str) -> tuple[bytes, dict[str, Any]]:
        if name not in self._objects:
            raise Refused(404)
        return self._objects[name]

    def _refuse_old(self, name: str, new: bool) -> None:
        if new and name in self._objects:
            raise Refused(412)

    def _made(self, name: str, data: bytes, new: bool) -> dict[str, Any]:
        self._refuse_old(name, new)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        about = {"bucket": BUCKET, "name": name, "size": str(len(data))}
        about |= {"generation": str(next(self._number)), "timeCreated": now, "updated": now}
        self._objects[name] = data, about
        return about

    def _listed(self, prefix: str = "", delimiter: str = "", pageToken: str = "", **_: str) -> Any:
        found: dict[str, Any] = {}
        for name in sorted(name for name in self._objects if name.startswith(prefix)):
            inner, cut, _rest = name.removeprefix(prefix).partition(delimiter or "\0")
            found[prefix + inner + cut] = None if cut else self._objects[name][1]
        names = [name for name in found if name > pageToken]
        page = names[:PAGE]
        answer: dict[str, Any] = {"kind": "storage#objects"}
        answer |= {"nextPageToken": page[-1]} if names[PAGE:] else {}
        answer["items"] = [found[name] for name in page if found[name]]
        answer["prefixes"] = [name for name in page if not found[name]]
        return answer


def _told(answer: Any) -> Response:
    return Response(json.dumps(answer), content_type="application/json")
