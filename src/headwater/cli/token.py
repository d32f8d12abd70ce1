"""`headwater token`: API tokens."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from headwater.cli.configuration_session import session, write_json, write_line, write_table
from headwater.database.transactions import transaction
from headwater.pipelines import token_store
from headwater.pipelines.changes import change

app = App(name="token", help="API tokens: create, list, revoke.")

AsJson = Annotated[bool, Parameter(name="--json", negative=(), help="Print JSON for a script.")]


@app.command
async def create(name: str, *, scope: Annotated[list[str], Parameter(negative=())], json: AsJson = False) -> None:
    """Create a token and show it, this once.

    Parameters
    ----------
    name
        What the token is for; shown in lists and in the audit log.
    scope
        What it may do: admin, data, data_write, data_manager, content_manager, segment_manager, marketer, observer,
        campaign_manager or general_manager. May be given several times.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        created = await token_store.create(changing, name=name, scopes=scope)
    if json:
        write_json({"id": created.token.id, "token": created.raw, "scopes": created.token.scopes})
        return
    write_line(created.raw)
    write_line(f"Token {created.token.id} ({', '.join(created.token.scopes)}). It is not shown again: keep it now.")


@app.command(name="list")
async def list_(*, json: AsJson = False) -> None:
    """List tokens, revoked ones too."""
    async with session() as made, transaction(made.pool, read_only=True) as connection:
        tokens = await token_store.every(connection)
    if json:
        write_json(tokens)
        return
    rows = [
        (t.id, t.name, ", ".join(t.scopes), f"{t.created_at:%Y-%m-%d %H:%M}", "revoked" if t.revoked_at else "in use")
        for t in tokens
    ]
    write_table("Tokens", ("id", "name", "scopes", "created", "state"), rows)


@app.command
async def revoke(token: str) -> None:
    """End the use of a token everywhere.

    Parameters
    ----------
    token
        The token's id, from `headwater token list`.
    """
    async with session() as made, change(made.pool, made.actor) as changing:
        revoked = await token_store.revoke(changing, token)
    write_line(f"Token {revoked.id} ({revoked.name}) does not work any more.")
