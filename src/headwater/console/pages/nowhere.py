"""Any address that no page has."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter


@get("/{anything:path}")
async def nowhere(anything: Annotated[str, PathParameter(description="Whatever was asked for.")]) -> None:
    """Raise NotFoundException, so that the page says so in the console's frame instead of the API's words."""
    raise NotFoundException(anything)


HANDLERS = (nowhere,)
