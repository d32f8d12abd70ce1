"""What the API needs to read profiles, to decide about identities, and to delete."""

from __future__ import annotations

from typing import Any, NamedTuple

from nats.aio.client import Client

from headwater.archive.stores import open_store
from headwater.audiences.lookups import ProfileLookups
from headwater.audiences.observer import AudienceObserver
from headwater.profiles.archived_records import ArchivedRecords
from headwater.profiles.deciding import IdentityDesk
from headwater.profiles.erasure.desk import ErasureDesk
from headwater.profiles.progress import BuildingProgress
from headwater.profiles.reading import ProfileReader
from headwater.profiles.rebuild.desk import RebuildDesk
from headwater.profiles.timeline import LogRecords, RecordSource, Timeline
from headwater.settings import Settings


class ProfileServices(NamedTuple):
    """Profiles of one install."""

    reader: ProfileReader
    timeline: Timeline
    identity: IdentityDesk
    erasure: ErasureDesk
    progress: BuildingProgress
    lookups: ProfileLookups
    rebuild: RebuildDesk


def profile_services(pool: Any, client: Client, settings: Settings) -> ProfileServices:
    """Profiles in the database behind `pool`, with records from the log and, where it forgot them, from the archive."""
    progress, reader = BuildingProgress(pool, client), ProfileReader(pool)
    sources: list[RecordSource] = [LogRecords(client), ArchivedRecords(pool, open_store(settings))]
    return ProfileServices(
        reader=reader,
        timeline=Timeline(pool, sources),
        identity=IdentityDesk(pool, [AudienceObserver()]),
        erasure=ErasureDesk(pool, progress.last_sequence, [AudienceObserver()]),
        progress=progress,
        lookups=ProfileLookups(pool, reader),
        rebuild=RebuildDesk(pool),
    )
