"""The configuration as one frozen value, as a process needs it to collect and to route.

Loading reads one state of the database. A revision never changes, so those that an earlier snapshot holds are not read
again: a deployment costs a few small queries however many kits are attached.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.changes import QUERIES
from headwater.pipelines.objects import Attachment, Pipeline, Revision
from headwater.pipelines.token_store import TokenGrant, hash_of

RevisionKey = tuple[str, int]
"""Integration id and revision number."""


class Source(NamedTuple):
    """What a collector must know about the pipeline behind a write key."""

    pipeline_id: str
    name: str
    write_key: str
    enabled: bool
    allowed_origins: tuple[str, ...]
    partial_batch_status: int = 200
    tag: Mapping[str, Any] = MappingProxyType({})


class AttachedRevision(NamedTuple):
    """An attachment with the revision that it uses."""

    attachment: Attachment
    revision: Revision


class ConfigurationSnapshot(NamedTuple):
    """One version of the configuration. `version` counts the changes; -1 is the empty one before the first load."""

    version: int
    account_ids: frozenset[str]
    pipelines: tuple[Pipeline, ...]
    sources: Mapping[str, Source]
    tokens: Mapping[bytes, TokenGrant]
    attachments: tuple[AttachedRevision, ...]
    link_key: bytes = b""
    """Signs ids that one page hands to another."""

    def by_write_key(self, key: str) -> Source | None:
        """The source of a write key, disabled ones too."""
        return self.sources.get(key)

    def token(self, raw: str) -> TokenGrant | None:
        """What a token allows; None when it is unknown or revoked."""
        return self.tokens.get(hash_of(raw))

    def attached_to(self, pipeline_id: str) -> tuple[AttachedRevision, ...]:
        """What a pipeline delivers to, paused attachments too."""
        return tuple(attached for attached in self.attachments if attached.attachment.pipeline_id == pipeline_id)


EMPTY = ConfigurationSnapshot(-1, frozenset(), (), MappingProxyType({}), MappingProxyType({}), ())
"""What a process holds before its first load."""


async def load(connection: Any, known: ConfigurationSnapshot = EMPTY) -> ConfigurationSnapshot:
    """Read the newest version on a connection that is in no transaction; `known` itself when that is the newest.

    Raises what the driver raises; see `faults.translated`.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        installation = await connection.fetchrow(QUERIES["installation"])
        if installation["configuration_version"] == known.version:
            return known
        pipelines = await pipeline_store.every(connection)
        attachments = await deployment_store.attachments(connection)
        revisions = await _revisions(connection, known)
        tokens = await connection.fetch(QUERIES["snapshot_tokens"])
    return ConfigurationSnapshot(
        version=installation["configuration_version"],
        account_ids=frozenset({installation["account_id"]}),
        pipelines=tuple(pipelines),
        sources=MappingProxyType({source.write_key: source for source in _sources(pipelines)}),
        tokens=MappingProxyType({bytes(row["hash"]): _grant(row) for row in tokens}),
        attachments=tuple(
            AttachedRevision(attachment, revisions[attachment.integration_id, attachment.revision])
            for attachment in attachments
        ),
        link_key=bytes(installation["link_key"]),
    )


async def _revisions(connection: Any, known: ConfigurationSnapshot) -> dict[RevisionKey, Revision]:
    held = {(a.revision.integration_id, a.revision.number): a.revision for a in known.attachments}
    names = [f"{integration_id}/{number}" for integration_id, number in held]
    for row in await connection.fetch(QUERIES["snapshot_revisions"], names):
        revision = integration_store.revision_from_row(row)
        held[revision.integration_id, revision.number] = revision
    return held


def _sources(pipelines: list[Pipeline]) -> list[Source]:
    return [
        Source(
            pipeline_id=pipeline.id,
            name=pipeline.name,
            write_key=key,
            enabled=pipeline.enabled,
            allowed_origins=pipeline.allowed_origins,
            partial_batch_status=pipeline.partial_batch_status,
            tag=pipeline.tag,
        )
        for pipeline in pipelines
        for key in pipeline.write_keys
    ]


def _grant(row: Any) -> TokenGrant:
    return TokenGrant(id=row["id"], name=row["name"], scopes=frozenset(row["scopes"]))
