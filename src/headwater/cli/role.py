"""`headwater collect|route|console`: one role as one process. `headwater up` starts one of each."""

from __future__ import annotations

import asyncio

from headwater import settings as settings_module
from headwater.roles import lifecycle


def collect(*, number: int = 0) -> None:
    """Run one collector: the public HTTP doors.

    Parameters
    ----------
    number
        Tells several collectors on one machine apart (0, 1, …).
    """
    # Each role loads its own libraries only: a collector needs no HTTP client, a router no web server.
    from headwater.roles.collect import serve

    settings = settings_module.load()
    lifecycle.run(settings, f"collect-{number}", lambda stop: serve(settings, number, stop))


def route(*, number: int = 0) -> None:
    """Run one router: delivery to the integrations.

    Parameters
    ----------
    number
        Tells several routers on one machine apart (0, 1, …).
    """
    from headwater.roles.route import route as run_router  # see collect

    settings = settings_module.load()
    lifecycle.run(settings, f"route-{number}", lambda stop: run_router(settings, number, stop))


def profile(*, number: int = 0) -> None:
    """Run one builder of profiles.

    Parameters
    ----------
    number
        Tells several builders on one machine apart (0, 1, …).
    """
    from headwater.roles.profile import profile as run_builder  # see collect

    settings = settings_module.load()
    lifecycle.run(settings, f"profile-{number}", lambda stop: run_builder(settings, number, stop))


def console(*, number: int = 0) -> None:
    """Run the admin API.

    Parameters
    ----------
    number
        Tells several processes on one machine apart (0, 1, …).
    """
    from headwater.roles.console import console as run_console  # see collect

    settings = settings_module.load()
    lifecycle.run(settings, f"console-{number}", lambda stop: run_console(settings, number, stop))


def archive(*, number: int = 0) -> None:
    """Run one archiver: the log into Parquet files.

    Parameters
    ----------
    number
        Tells several archivers on one machine apart (0, 1, …); one works, the others stand by.
    """
    from headwater.roles.archive import archive as run_archive  # see collect

    settings = settings_module.load()
    lifecycle.run(settings, f"archive-{number}", lambda stop: run_archive(settings, number, stop))


def prepare() -> None:
    """Bring database and log to this version; `headwater up` does it by itself."""
    from headwater.roles.prepare import prepare as bring_up  # see collect

    asyncio.run(bring_up(settings_module.load()))
