"""Style sheet, scripts, pictures: small, so they are kept in memory, and named by their content, so browsers keep them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".LICENSE": "text/plain; charset=utf-8",
}


class StaticFile(NamedTuple):
    """One file as it is sent."""

    content: bytes
    zipped: bytes
    content_type: str
    digest: str


def _load(folder: Traversable, prefix: str = "") -> dict[str, StaticFile]:
    found: dict[str, StaticFile] = {}
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            found |= _load(entry, f"{name}/")
        elif (content_type := CONTENT_TYPES.get(PurePosixPath(name).suffix)) is not None:
            content = entry.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[name] = StaticFile(content, gzip.compress(content, mtime=0), content_type, digest)
    return found


FILES: Mapping[str, StaticFile] = _load(resources.files("headwater.console").joinpath("static"))


def static_url(name: str) -> str:
    """The address of a file in `static/`; it changes with the file. Raises KeyError for a name that is not there."""
    return f"/static/{name}?{FILES[name].digest}"


@get("/static/{name:path}")
async def static_file(
    request: Request[Any, Any, State], name: Annotated[str, PathParameter(max_length=200)]
) -> Response[bytes]:
    """A file of `static/`; nothing else can be reached."""
    found = FILES.get(name.lstrip("/"))
    if found is None:
        raise NotFoundException(name)
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.zipped, media_type=found.content_type, headers={**headers, "content-encoding": "gzip"})
    return Response(found.content, media_type=found.content_type, headers=headers)


HANDLERS = (static_file,)
