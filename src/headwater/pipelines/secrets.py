"""Secrets of integrations: sealed with this install's key file, or referred to and kept elsewhere.

A sealed text is AES-256-GCM with a random nonce. The place that it belongs to (integration and parameter) is
authenticated with it, so that a sealed value moved to another row does not open. The text begins with a mark of the key,
so that a wrong key file is reported as such.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headwater.errors import ConfigurationError
from headwater.pipelines.objects import ParameterValue, PlainValue, ReferenceValue, SealedValue
from headwater.settings import Settings

KEY_BYTES = 32
_NONCE_BYTES = 12
_REFERENCE = re.compile(r"secret://(env|file)/(.+)", re.DOTALL)
_SENSITIVE_NAME = re.compile(
    r"(API_?KEYS?|SECRETS?|SECRET_?KEY(_\w+)?|TOKENS?|PASSWORDS?|PASSPHRASE|PRIVATE_?KEY|ACCESS_?KEY|ACCOUNT_?KEY"
    r"|PEM_?KEY|CREDENTIALS?(_?JSON)?|AUTHORIZATION)$"
)


def is_sensitive(name: str, declared: bool = False) -> bool:
    """Whether a parameter's value is a secret: the kit says so, or the name does (API_KEY, CLIENT_SECRET, PASSWORD …)."""
    return declared or _SENSITIVE_NAME.search(name.upper()) is not None


def is_reference(text: str) -> bool:
    """Whether a parameter's text is a reference to a secret kept elsewhere."""
    return text.startswith("secret://")


class SecretBox:
    """Seals and opens secrets with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._mark = hashlib.sha256(b"headwater key mark" + key).hexdigest()[:8]

    def seal(self, secret: str, place: str) -> str:
        """Encrypt `secret`; it opens only with the same key and the same `place`."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), place.encode())
        return f"{self._mark}.{base64.urlsafe_b64encode(sealed).decode('ascii')}"

    def open(self, sealed: str, place: str) -> str:
        """Decrypt. Raises ConfigurationError that says whether the key is another one or the value was tampered with."""
        mark, _, text = sealed.partition(".")
        if mark != self._mark:
            raise ConfigurationError(
                "sealed with another key file; set secret_key_file to the one of the install that saved it, "
                "or set the value again",
                place,
            )
        try:
            data = base64.urlsafe_b64decode(text)
            return self._cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError):
            raise ConfigurationError("the sealed value is damaged; set the value again", place) from None


def key_file(settings: Settings) -> Path:
    """Where the key of this install is."""
    return Path(settings.secret_key_file) if settings.secret_key_file else settings.data / "secret.key"


def open_box(settings: Settings) -> SecretBox:
    """The box of this install. A key file named in the settings must exist; the one in the data folder is generated."""
    path = key_file(settings)
    if settings.secret_key_file and not path.is_file():
        raise ConfigurationError(f"secret_key_file names {path}, which is not a file; create it or correct the setting")
    return SecretBox(_read_or_create_key(path))


def _read_or_create_key(path: Path) -> bytes:
    if not path.exists():
        _create_key(path)
    try:
        key = base64.urlsafe_b64decode(path.read_text("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{path} holds no key; it must be {KEY_BYTES} random bytes as URL-safe base64")
    return key


def _create_key(path: Path) -> None:
    """Write a new key beside `path` and link it in, so that no other process ever reads half a key or loses its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.urlsafe_b64encode(os.urandom(KEY_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(partial)
    except FileExistsError:
        return  # another process was first: its key counts
    finally:
        partial.unlink()


class SecretResolver(NamedTuple):
    """Turns stored parameter values into texts, in the process that needs them.

    `private_folder` is our data folder: a reference must not lead into it, where our own keys and passwords are.
    """

    box: SecretBox
    environment: Mapping[str, str]
    private_folder: Path

    def text(self, value: ParameterValue, place: str) -> str:
        """The text of a value. Raises ConfigurationError that names `place` and what is missing."""
        match value:
            case PlainValue(text):
                return text
            case SealedValue(sealed):
                return self.box.open(sealed, place)
            case ReferenceValue(reference):
                return self.referred(reference, place)

    def texts(self, values: Mapping[str, ParameterValue], integration_id: str) -> dict[str, str]:
        """The texts of all parameters of an integration by name."""
        return {name: self.text(value, parameter_place(integration_id, name)) for name, value in values.items()}

    def referred(self, reference: str, place: str) -> str:
        """The secret that a reference leads to. Raises ConfigurationError that names `place` and what is missing."""
        kind, name = check_reference(reference, place)
        if kind == "env":
            return self._variable(name, place)
        return self._file(Path("/" + name.lstrip("/")), place)

    def _variable(self, name: str, place: str) -> str:
        if name not in self.environment:
            raise ConfigurationError(f"the environment variable {name} is not set; set it for this process", place)
        return self.environment[name]

    def _file(self, path: Path, place: str) -> str:
        if path.resolve().is_relative_to(self.private_folder.resolve()):
            raise ConfigurationError(f"{path} is in the data folder, which holds keys of our own; move it", place)
        try:
            return path.read_text("utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as fault:
            raise ConfigurationError(
                f"cannot read the secret file {path} ({type(fault).__name__}); create it", place
            ) from None


def resolver(settings: Settings, environment: Mapping[str, str] | None = None) -> SecretResolver:
    """The resolver of this process."""
    return SecretResolver(open_box(settings), os.environ if environment is None else environment, settings.data)


def parameter_place(integration_id: str, name: str) -> str:
    """The place that a sealed parameter value is bound to."""
    return f"integration {integration_id}: parameter {name}"


def check_reference(reference: str, place: str) -> tuple[str, str]:
    """Kind ("env" or "file") and name of a reference. Raises ConfigurationError when it is malformed or refused."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise ConfigurationError(f"{reference!r} is no reference; write secret://env/NAME or secret://file/PATH", place)
    if match[1] == "env" and match[2].startswith("HEADWATER_"):
        raise ConfigurationError(
            f"{match[2]} belongs to Headwater itself and is not given away; use another name", place
        )
    return match[1], match[2]


def readable(text: str) -> PlainValue | ReferenceValue:
    """The stored form of a text that anybody may see, or of a reference. Raises ConfigurationError."""
    if not is_reference(text):
        return PlainValue(text)
    check_reference(text, "parameter")
    return ReferenceValue(text)


def stored(name: str, text: str, *, sensitive: bool, box: SecretBox, integration_id: str) -> ParameterValue:
    """The stored form of a parameter's text: a secret is sealed, unless it is a reference."""
    if is_reference(text) or not is_sensitive(name, sensitive):
        return readable(text)
    return SealedValue(box.seal(text, parameter_place(integration_id, name)))
