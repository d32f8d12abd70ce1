"""Buckets and containers to write to: Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage.

A store is reached by signed URLs, which obstore makes here without any network. The request itself goes the way of every
other one (see `Outbound`), so the rules on addresses, redirects and time hold for stores too. Credentials come from the
connection alone: neither the environment nor the identity of the machine is used, because whoever may set up an
integration is not thereby allowed to act as the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from headwater import jsontext
from headwater.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from obstore.store import AzureAccessKey, S3Credential  # exist for type checkers only

KINDS = ("s3", "gcs", "blob")
SIGNED_FOR = timedelta(minutes=15)
"""How long a signed URL works; longer than any request may take."""
_EXTRA = 'object stores need a library that is not installed; run pip install "headwater[object-store]"'
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{0,221}")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")

Headers = tuple[tuple[str, str], ...]


class Bucket(msgspec.Struct, frozen=True):
    """Where objects go. `place` names it for people; `sign` makes the URL to put an object of a name to.

    `sign` raises ConfigurationError when the credentials cannot be used. `headers` go with every object.
    """

    place: str
    sign: Callable[[str], str]
    headers: Headers = ()


def open_bucket(kind: str, settings: Mapping[str, Any], base_url: str) -> Bucket:
    """The bucket of a connection. `base_url` "" is the vendor's own address.

    Raises ConfigurationError when a setting is missing or malformed, or when the optional library is not installed.
    Nothing is sent: whether the credentials are good shows with the first object.
    """
    bucket = _BUCKETS[kind](settings, base_url)
    bucket.sign("trial")
    return bucket


def _signed(store: Any) -> Callable[[str], str]:
    import obstore  # an optional extra
    from obstore.exceptions import BaseError

    def sign(name: str) -> str:
        try:
            return obstore.sign(store, "PUT", name, SIGNED_FOR)
        except BaseError:
            # Not the library's own message: it may quote a credential.
            raise ConfigurationError("the credentials cannot sign a request; copy them again") from None

    return sign


def _s3(settings: Mapping[str, Any], base_url: str) -> Bucket:
    try:
        from obstore.store import S3Store  # an optional extra
    except ImportError:
        raise ConfigurationError(_EXTRA, "s3") from None
    bucket, region = _matching(settings, "bucket", _BUCKET), _matching(settings, "region", _REGION)
    if settings.get("roleArn"):
        raise ConfigurationError("roles are not supported; use accessKey and secretKey instead", "s3.roleArn")
    if settings.get("serverSideEncryption") not in (None, "", "AES256"):  # AES256 is what S3 does unasked
        raise ConfigurationError(
            "only AES256 is supported; set another encryption as the default of the bucket", "s3.serverSideEncryption"
        )
    access_key, secret_key = _given(settings, "accessKey"), _given(settings, "secretKey")

    def credential() -> S3Credential:
        """Given out by a function: as options they would be joined by a session token from the environment."""
        return {"access_key_id": access_key, "secret_access_key": secret_key, "token": None, "expires_at": None}

    china = ".cn" if region.startswith("cn-") else ""
    store = S3Store(
        bucket,
        region=region,
        endpoint=base_url or f"https://s3.{region}.amazonaws.com{china}",
        virtual_hosted_style_request=False,
        skip_signature=False,
        client_options={"allow_http": True},
        credential_provider=credential,
    )
    return Bucket(f"s3://{bucket}", _signed(store))


def _gcs(settings: Mapping[str, Any], base_url: str) -> Bucket:
    try:
        from obstore.exceptions import BaseError  # an optional extra
        from obstore.store import GCSStore
    except ImportError:
        raise ConfigurationError(_EXTRA, "gcs") from None
    bucket = _matching(settings, "bucket", _BUCKET)
    key = _service_account_key(_given(settings, "credentialJson"))
    try:
        store = GCSStore(
            bucket,
            service_account_key=key,
            base_url=base_url or "https://storage.googleapis.com",
            skip_signature=False,
            client_options={"allow_http": True},
        )
    except BaseError:
        raise ConfigurationError("is not the key of a service account; copy it again", "gcs.credentialJson") from None
    return Bucket(f"gs://{bucket}", _signed(store))


def _service_account_key(text: str) -> str:
    """Only what signing needs of the key: the rest could name other addresses."""
    try:
        document = jsontext.decode(text.encode())
        kept = {name: document[name] for name in ("private_key", "private_key_id", "client_email")}
    except (InputError, KeyError, TypeError):
        raise ConfigurationError(
            "is not the key of a service account; download one as JSON and copy all of it", "gcs.credentialJson"
        ) from None
    return jsontext.encode({"type": "service_account", **kept}).decode()


def _blob(settings: Mapping[str, Any], base_url: str) -> Bucket:
    try:
        from obstore.store import AzureStore  # an optional extra
    except ImportError:
        raise ConfigurationError(_EXTRA, "blob") from None
    account, container = _matching(settings, "accountName", _ACCOUNT), _matching(settings, "bucket", _BUCKET)
    endpoint = base_url or f"https://{account}.blob.core.windows.net"
    place, headers = f"az://{account}/{container}", (("x-ms-blob-type", "BlockBlob"),)
    token = settings.get("sasToken")
    if token:
        signature = str(token).removeprefix("?")
        return Bucket(place, lambda name: f"{endpoint}/{container}/{quote(name)}?{signature}", headers)
    if not settings.get("accountKey"):
        raise ConfigurationError(
            "neither accountKey nor sasToken has a value; set one (the identity of the machine is not used)", "blob"
        )
    key = _given(settings, "accountKey")

    def credential() -> AzureAccessKey:
        return {"access_key": key, "expires_at": None}

    store = AzureStore(
        container,
        account_name=account,
        endpoint=endpoint,
        skip_signature=False,
        client_options={"allow_http": True},
        credential_provider=credential,
    )
    return Bucket(place, _signed(store), headers)


def _given(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(
            "has no value; set its parameter (credentials of the machine are not used)", f"connection.{name}"
        )
    return value


def _matching(settings: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    """A setting that becomes part of an address: nothing in it may lead to another one."""
    value = _given(settings, name)
    if not pattern.fullmatch(value):
        raise ConfigurationError(f"{value!r} is no valid name; allowed is {pattern.pattern}", f"connection.{name}")
    return value


_BUCKETS: Mapping[str, Callable[[Mapping[str, Any], str], Bucket]] = {"s3": _s3, "gcs": _gcs, "blob": _blob}
