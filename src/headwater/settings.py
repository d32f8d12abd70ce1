"""Settings: typed, from a file and the environment, each with its source.

Order of precedence, strongest first: environment variable, settings file, default. The file is `headwater.toml` in the
data folder, or the file that HEADWATER_SETTINGS names. The variable of `[collect] port` is HEADWATER_COLLECT_PORT.
An unknown key is an error: a typo must not silently leave a default in force.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from headwater.errors import SettingsError

SECRET_FIELDS = frozenset({"nats_url", "database_url"})
"""Settings that may carry a password; never printed."""


Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Count = Annotated[int, msgspec.Meta(ge=1)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
WebAddress = Annotated[str, msgspec.Meta(pattern=r"^(https?://[^/?#@\s]+)?$")]
Span = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class CollectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public HTTP doors. `public_url` is how senders reach them through a proxy ("https://…"); pages show it."""

    host: str = "127.0.0.1"
    port: Port = 8480
    public_url: WebAddress = ""
    processes: Count = 1
    event_limit_bytes: Count = 32 * 1024
    record_limit_bytes: Count = 256 * 1024  # at the Lytics doors: a flattened event is several times its size
    request_limit_bytes: Count = 500 * 1024
    large_request_limit_bytes: Count = 4 * 1024 * 1024
    lytics_request_limit_bytes: Count = 10 * 1024 * 1024
    bulk_limit_bytes: Count = 1024 * 1024 * 1024
    batch_limit_events: Count = 2500
    properties_limit: Count = 10_000
    in_flight_limit_bytes: Count = 64 * 1024 * 1024
    commit_timeout_seconds: Span = 8.0
    rate_limit_per_second: NotNegative = 0.0
    event_nesting_limit: Count = 100
    client_ip_header: str = ""
    trusted_proxies: tuple[str, ...] = ()
    first_party_path: str = "hw"


class LogSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event log on JetStream."""

    partitions: Count = 16
    replicas: Literal[1, 3] = 1
    dedup_window_seconds: Span = 600.0
    retention_days: Annotated[float, msgspec.Meta(gt=0, le=36_500)] = 30.0
    retention_bytes: Count = 20 * 1024**3
    refused_bytes: Count = 64 * 1024**2
    attempts_bytes: Count = 64 * 1024**2
    commit_wait_milliseconds: NotNegative = 2.0
    commit_batch_limit: Count = 1000


class ArchiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The archive: when its files are closed, and where they go ("": the folder `archive` in the data folder)."""

    url: str = ""
    cut_bytes: Count = 256 * 1024**2  # before compression, over all sources
    cut_seconds: Span = 300.0
    idle_seconds: Span = 60.0
    file_bytes: Count = 256 * 1024**2  # small files are joined up to this size


class RouteSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Delivery to integrations."""

    retry_hours: NotNegative = 4.0
    request_timeout_seconds: Span = 30.0
    allowed_hosts: tuple[str, ...] = ()


class ProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Building profiles from the log. `batch_limit`: most records in one transaction."""

    batch_limit: Count = 2000


class ConsoleSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The console's pages and the admin API. `public_url` is how browsers reach them through a proxy ("https://…")."""

    host: str = "127.0.0.1"
    port: Port = 8490
    public_url: WebAddress = ""


class OperationsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Health and metrics of each role: the first process of a role listens on its port, the next ones on the ports after."""

    host: str = "127.0.0.1"
    collect_port: Port = 9480
    route_port: Port = 9580
    console_port: Port = 9680
    profile_port: Port = 9780
    archive_port: Port = 9880
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that an operator can set, by room."""

    data_folder: str = "data"
    nats_url: str = ""
    database_url: str = ""
    secret_key_file: str = ""
    collect: CollectSettings = CollectSettings()
    log: LogSettings = LogSettings()
    archive: ArchiveSettings = ArchiveSettings()
    route: RouteSettings = RouteSettings()
    profile: ProfileSettings = ProfileSettings()
    console: ConsoleSettings = ConsoleSettings()
    operations: OperationsSettings = OperationsSettings()

    @property
    def data(self) -> Path:
        """The data folder as an absolute path."""
        return Path(self.data_folder).absolute()


class SettingSource(msgspec.Struct, frozen=True):
    """One setting with the place that its value comes from; `value` is masked when it is a secret."""

    name: str
    value: str
    source: str


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read settings from the file and the environment. Raises SettingsError that names the key and its source."""
    return load_with_sources(environment)[0]


def load_with_sources(environment: Mapping[str, str] | None = None) -> tuple[Settings, list[SettingSource]]:
    """Like `load`, with the source of every value, for `headwater settings`."""
    variables = os.environ if environment is None else environment
    path = _file_path(variables)
    from_file = _read_file(path)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, field in _fields(Settings):
        variable = "HEADWATER_" + name.replace(".", "_").upper()
        found = _pop(from_file, name)
        if variable in variables:
            value, source = _from_text(variables[variable], field, variable), f"environment {variable}"
        elif found is not None:
            value, source = found, str(path)
        else:
            sources[name] = "default"
            continue
        _put(values, name, value)
        sources[name] = source
    _refuse_leftovers(from_file, path)
    settings = _convert(values, path)
    return settings, [SettingSource(name, _shown(settings, name), sources[name]) for name, _ in _fields(Settings)]


def _file_path(variables: Mapping[str, str]) -> Path:
    named = variables.get("HEADWATER_SETTINGS")
    if named is not None:
        if not Path(named).is_file():
            raise SettingsError(
                f"HEADWATER_SETTINGS names {named}, which is not a file; create it or unset the variable"
            )
        return Path(named)
    return Path(variables.get("HEADWATER_DATA_FOLDER", Settings().data_folder)) / "headwater.toml"


def _read_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(f"not valid TOML: {fault}", str(path)) from None


def _fields(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for field in msgspec.structs.fields(struct):
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from _fields(field.type, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, field.type


def _from_text(text: str, kind: Any, variable: str) -> Any:
    try:
        if kind == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as fault:
        if get_origin(kind) is Literal:
            raise SettingsError(
                f"must be one of {', '.join(map(str, get_args(kind)))}; got {text!r}", variable
            ) from None
        raise SettingsError(f"{str(fault).lower()}; got {text!r}", variable) from None


def _pop(table: dict[str, Any], name: str) -> Any:
    head, _, rest = name.partition(".")
    if not rest:
        return table.pop(head, None)
    below = table.get(head)
    return _pop(below, rest) if isinstance(below, dict) else None


def _put(table: dict[str, Any], name: str, value: Any) -> None:
    head, _, rest = name.partition(".")
    if rest:
        _put(table.setdefault(head, {}), rest, value)
    else:
        table[head] = value


def _refuse_leftovers(table: dict[str, Any], path: Path) -> None:
    for key, value in table.items():
        if not isinstance(value, dict):
            raise SettingsError(f"unknown setting {key!r}; `headwater settings` lists the known ones", str(path))
        if value or key not in {field.name for field in msgspec.structs.fields(Settings)}:
            first = next(iter(value), "")
            raise SettingsError(
                f"unknown setting '{key}.{first}'; `headwater settings` lists the known ones", str(path)
            )


def _convert(values: dict[str, Any], path: Path) -> Settings:
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as fault:
        raise SettingsError(str(fault).lower(), str(path)) from None


def _shown(settings: Settings, name: str) -> str:
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    if name in SECRET_FIELDS and value:
        return "(set, not shown)"
    return ", ".join(value) if isinstance(value, tuple) else str(value)
