"""What would be sent if a dead letter were delivered again now."""

from __future__ import annotations

from typing import NamedTuple

from headwater.console.live import integration_way
from headwater.console.live.integration_way import Computed
from headwater.console.ports import Console
from headwater.database.transactions import transaction
from headwater.errors import InputError
from headwater.events import decode_record
from headwater.pipelines import deployment_store, integration_store, pipeline_store
from headwater.pipelines.objects import Integration, Pipeline
from headwater.pipelines.snapshot import AttachedRevision
from headwater.routing.dead_letters import StoredLetter


class LetterTrial(NamedTuple):
    """`computed` with the revision that is deployed now; None, and `problem` says why. Integration and pipeline if they are there."""

    computed: Computed | None
    problem: str
    integration: Integration | None
    pipeline: Pipeline | None


async def letter_trial(console: Console, letter: StoredLetter) -> LetterTrial:
    """Run the letter's record through the deployed revision. Nothing is sent."""
    async with transaction(console.pool, read_only=True) as database:
        pipelines = {each.id: each for each in await pipeline_store.every(database)}
        integrations = {each.id: each for each in await integration_store.every(database)}
        pipeline, integration = pipelines.get(letter.pipeline_id), integrations.get(letter.integration_id)
        if pipeline is None or integration is None:
            return LetterTrial(None, "Its pipeline or its integration was deleted.", integration, pipeline)
        attached = await deployment_store.attachments(database, pipeline)
        attachment = next((each for each in attached if each.integration_id == integration.id), None)
        if attachment is None:
            problem = "The integration is not attached to the pipeline any more; nothing would take the letter."
            return LetterTrial(None, problem, integration, pipeline)
        revision = await integration_store.revision(database, integration, attachment.revision)
    try:
        record = decode_record(letter.record)
    except InputError as fault:
        return LetterTrial(None, f"Its record cannot be read: {fault.message}", integration, pipeline)
    computed = integration_way.compute(AttachedRevision(attachment, revision), record, console.collector_url)
    return LetterTrial(computed, "", integration, pipeline)
