"""Values in paths and bodies, with the limits that the API states for them."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar.params import PathParameter

PATH_TEXT_LIMIT = 200
# PostgreSQL cannot hold U+0000, so it is refused before it gets there.
_NO_NUL = r"^[^\x00]*$"

PipelineName = Annotated[
    str, PathParameter(description="Id or slug of the pipeline.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)
]
IntegrationName = Annotated[
    str, PathParameter(description="Id or slug of the integration.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)
]
WriteKey = Annotated[str, PathParameter(description="A write key.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]
QueryName = Annotated[
    str, PathParameter(description="Id or alias of the statement.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)
]
SegmentName = Annotated[
    str, PathParameter(description="Id or slug of the audience.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)
]
TableName = Annotated[str, PathParameter(description="The table: user.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]
FieldName = Annotated[str, PathParameter(description="Name of the field.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]
FieldValue = Annotated[
    str, PathParameter(description="Value of the identifier.", max_length=PATH_TEXT_LIMIT * 2, pattern=_NO_NUL)
]
RequestId = Annotated[str, PathParameter(description="Id of the request.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]
MappingId = Annotated[str, PathParameter(description="Id of the mapping.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]
PatchName = Annotated[str, PathParameter(description="Name of the patch.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]
ObjectId = Annotated[str, PathParameter(description="The id.", max_length=PATH_TEXT_LIMIT, pattern=_NO_NUL)]

RevisionNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1, description="Number of a revision, from 1.")]
