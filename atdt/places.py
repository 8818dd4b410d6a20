"""Where things lie: a path of this machine, or a URL of an object store.

A local path is a `pathlib.Path`, with all that it always could. A URL (`s3://bucket/a.zarr`)
becomes a `UPath`, which has the same names for what can be read; what is written, listed and
deleted there goes through `atdt.objects`. What a user may give as a URL is made a path by `place`.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from atdt.errors import PlaceError, UserError

URL = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+)://(.*)", re.DOTALL)
LOCAL = ("file", "local")
# A listing that is remembered does not show what others have written since.
OPTIONS: dict[str, Any] = {"use_listings_cache": False}
# Whose errors are about the object store and not about us: roots of their modules.
LIBRARIES = ("aiobotocore", "aiohttp", "botocore", "fsspec", "gcsfs", "google", "s3fs")

_given: dict[str, Any] = {}
_used: set[str] = set()  # schemes


def is_url(text: str | Path) -> bool:
    """Whether a text is meant as a URL, of whatever kind."""
    return "://" in str(text)


def is_remote(path: Any) -> bool:
    """Whether a path, as `place` makes them, is that of an object store."""
    return not isinstance(path, Path)


def place(where: Any) -> Path:
    """The path of what a user names: a `Path`, or for a URL a `UPath`.

    Args:
        where: a text, a path, or a UPath with options of its own.

    Raises:
        PlaceError: a URL of no known kind, without a bucket, or with options that its kind has not;
            or what it needs is not installed.
    """
    if isinstance(where, Path):
        return where
    if not isinstance(where, str):
        return where if is_url(where) else Path(where)
    if not is_url(where):
        return Path(where)
    match = URL.fullmatch(where)
    if match is None:
        raise PlaceError(f"{where}: not a URL that can be used; write SCHEME://BUCKET/PATH")
    scheme, rest = match[1].lower(), match[2]
    if scheme in LOCAL:
        return Path("/" + rest.lstrip("/"))
    if not rest.strip("/"):
        raise PlaceError(f"{where}: names no bucket; write {scheme}://BUCKET/PATH")
    return _url_path(scheme, f"{scheme}://{rest.rstrip('/')}")


def use_storage_options(options: Mapping[str, Any]) -> None:
    """Open URLs with these options from now on, beside those that the environment says."""
    _given.clear()
    _given.update(options)


def storage_options() -> dict[str, Any]:
    """Those of `use_storage_options`, for another process."""
    return dict(_given)


def were_used() -> bool:
    """Whether this process has opened a URL, so that an error may be that of an object store."""
    return bool(_used)


def parse_storage_options(texts: Iterable[str]) -> dict[str, Any]:
    """Options from texts that are JSON objects or KEY=VALUE, later ones before earlier ones.

    Raises:
        UserError: one is neither. Its value is not repeated: it may be a secret.
    """
    options: dict[str, Any] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if text.lstrip().startswith("{"):
            try:
                options |= json.loads(text)
            except ValueError as error:
                raise UserError(f"--storage-options: not valid JSON ({error})") from None
        elif separator and re.fullmatch(r"\w+", key):
            options[key] = _value(value)
        else:
            raise UserError(
                "--storage-options: write KEY=VALUE, such as anon=true, or a JSON object; "
                "repeatable"
            )
    return options


def without_secrets(arguments: Iterable[str]) -> list[str]:
    """A command line to be recorded: what --storage-options says may be a password."""
    kept, hidden = [], False
    for argument in arguments:
        option, separator, _ = argument.partition("=")
        if hidden:
            kept.append("…")
        elif separator and option == "--storage-options":
            kept.append("--storage-options=…")
        else:
            kept.append(argument)
        hidden = not hidden and argument == "--storage-options"
    return kept


def told(error: BaseException) -> str | None:
    """One line on what an object store, or the way to it, refused; None where it was neither."""
    module = type(error).__module__.partition(".")[0]
    is_theirs = module in LIBRARIES or isinstance(error, TimeoutError)
    # s3fs and gcsfs tell by errors of the system, which name no file
    of_system = isinstance(error, OSError) and error.filename is None
    if not (is_theirs or of_system):
        return None
    return _ADVICE.get(type(error).__name__, "{}").format(" ".join(str(error).split()) or module)


_ADVICE = {
    "NoCredentialsError": "{}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or "
    "--storage-options anon=true for a public bucket",
    "EndpointConnectionError": "{}; is it the right endpoint (AWS_ENDPOINT_URL, or "
    "--storage-options endpoint_url=…), and the network up?",
    "PermissionError": "access denied ({}); reading needs the right to get and to list, writing "
    "also to put and to delete",
}


def _value(text: str) -> Any:
    """What a value says: true, false, none and numbers as in JSON, else the text."""
    words = {"true": True, "false": False, "none": None, "null": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return int(text)
    except ValueError:
        return text


def _url_path(scheme: str, url: str) -> Path:
    _used.add(scheme)
    logging.getLogger("gcsfs").addHandler(logging.NullHandler())  # it prints what it raises, too
    try:
        from upath import UPath
    except ImportError:
        raise PlaceError(f"{url}: URLs need `pip install 'atdt[cloud]'`") from None
    options = OPTIONS | _given
    try:
        path = UPath(url, **options)
        _ = path.fs
    except ImportError as error:
        raise PlaceError(
            f"{url}: {scheme}:// needs `pip install 'atdt[cloud]'`, or what fsspec asks for "
            f"({error})"
        ) from None
    except (ValueError, TypeError) as error:
        names = ", ".join(_given) or "none"
        raise PlaceError(
            f"{url}: cannot be opened ({error}); --storage-options given: {names}"
        ) from None
    return path
