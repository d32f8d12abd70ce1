"""Audiences for tests, from their texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from headwater.audiences.objects import Audience

BEGINNING = datetime(2026, 11, 1, tzinfo=UTC)


def audience(number: int, text: str, slug: str | None = None, **more: object) -> Audience:
    """An audience with this text; slug `a<number>` unless given."""
    named = slug or f"a{number}"
    values = {"id": f"id{number}", "number": number, "slug": named, "name": named, "segment_ql": text, "version": 1}
    return Audience(**{**values, "created": BEGINNING, "updated": BEGINNING, **more})


def audiences(texts: Sequence[str], **named: str) -> list[Audience]:
    """Audiences numbered from 1 by their texts, and after them those with a slug."""
    pairs: list[tuple[str | None, str]] = [*((None, text) for text in texts), *named.items()]
    return [audience(number, text, slug) for number, (slug, text) in enumerate(pairs, 1)]
