"""The errors that Headwater raises, and what each class decides.

    HeadwaterError
    ├── ConfigurationError    a person must change something; nothing is retried
    │   └── SettingsError     … in settings (file or environment)
    ├── InputError            the caller sent something wrong; names the field; never retried
    ├── TransientError        nothing is wrong with the request; the same call may succeed later
    │   └── UnavailableError  … an engine (log, database) cannot be reached right now
    └── PermanentError        the same call will fail again; what it carried becomes a dead letter

Every message says the cause first, then the remedy. Whether a caller tries again is decided by the class alone,
never by reading a message.
"""

from __future__ import annotations


class HeadwaterError(Exception):
    """Base of every error that Headwater raises on purpose."""


class ConfigurationError(HeadwaterError):
    """Something that a person configured cannot work: a playbook, a pipeline, a connection, a setting.

    `place` says where ("file:line", "integrations/lytics.yaml: parameters.API_KEY"), if it is known.
    """

    def __init__(self, message: str, place: str | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.place = place


class SettingsError(ConfigurationError):
    """A setting is missing, malformed or contradicts another one."""


class InputError(HeadwaterError):
    """The input of a request is not acceptable. `field` names the offending field (dotted path), "" for the whole."""

    def __init__(self, message: str, field: str = "", code: str = "invalid_request") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.message = message
        self.field = field
        self.code = code


class TransientError(HeadwaterError):
    """A passing fault. `retry_after` is the wait in seconds that the other side asked for, if it did."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(TransientError):
    """An engine cannot be reached or does not answer in time."""


class PermanentError(HeadwaterError):
    """A fault that stays however often the call is repeated."""
