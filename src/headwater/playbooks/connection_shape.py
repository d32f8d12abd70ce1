"""The shape of a connection: HTTP sections, authentication, and the kinds that are not HTTP."""

from __future__ import annotations

from headwater.playbooks.grammar import Field, Flag, ListOf, MapOf, Number, Object, Text
from headwater.playbooks.playbook_shape import LUA, PARAMETER

_KEY_VALUES = ListOf(
    Object("keyValue", (Field("key", Text(), "name", required=True), Field("value", Text(), "value", required=True)))
)

HEADER = Object(
    "Header",
    (
        Field("key", Text(), "name of the header", required=True),
        Field("value", Text(), "fixed text"),
        Field("fromEventKey", Text(), "dotted path in the event; without a value there the header is left out"),
    ),
    one_of=("value", "fromEventKey"),
)

BASIC = Object(
    "basicAuth",
    (
        Field("username", Text(), "user name", required=True),
        Field("password", Text(), "password; absent: empty"),
    ),
)

OAUTH1 = Object(
    "oauth1Auth",
    (
        Field("consumerKey", Text(), "key of the application", required=True),
        Field("consumerSecret", Text(), "secret of the application", required=True),
        Field("accessToken", Text(), "token of the account", required=True),
        Field("tokenSecret", Text(), "secret of the token", required=True),
    ),
)

JWT = Object(
    "jwt",
    (
        Field("requestKey", Text(), "key of the token request's body that carries the assertion", required=True),
        Field("claims", _KEY_VALUES, "claims of the assertion"),
        Field(
            "signingMethod",
            Text(choices=("SIGNING_METHOD_RS256", "SIGNING_METHOD_HS256")),
            "how it is signed",
            required=True,
        ),
        Field("rsaPemKey", Text(), "private key in PEM form, for RS256"),
        Field("hsSigningSecret", Text(), "secret, for HS256"),
        Field("includeJti", Flag(), "true: add a random jti claim"),
    ),
)

OAUTH2 = Object(
    "oauth2Auth",
    (
        Field(
            "request",
            Object(
                "tokenRequest",
                (
                    Field("url", Text(), "where tokens are given out", required=True),
                    Field("method", Text(choices=("GET", "POST", "PUT")), "method of the token request", required=True),
                    Field(
                        "contentType",
                        Text(choices=("application/x-www-form-urlencoded", "application/json")),
                        "encoding of its body",
                    ),
                    Field("headers", _KEY_VALUES, "headers of the token request"),
                    Field("body", _KEY_VALUES, "fields of the token request"),
                ),
            ),
            "how a token is fetched",
            required=True,
        ),
        Field("responseAccessTokenKey", Text(), "key of the reply that holds the token", required=True),
        Field("jwt", JWT, "a signed assertion to add to the token request"),
    ),
)


PROVIDER = Object(
    "providerAuth",
    (
        Field(
            "headwater",
            Object("headwater", (Field("secret", Text(), "secret that sender and receiver share", required=True),)),
            "a signature of time and body, for receivers of your own",
        ),
        Field(
            "salesforceCdp",
            Object(
                "salesforceCdp",
                (
                    Field("clientId", Text(), "consumer key of the connected app", required=True),
                    Field("userName", Text(), "user for whom it acts", required=True),
                    Field("loginUrl", Text(), "login server, such as https://login.salesforce.com", required=True),
                    Field("privateKey", Text(), "RSA key in PEM form whose certificate the app has", required=True),
                ),
            ),
            "Salesforce Data Cloud",
        ),
        Field(
            "tradedesk",
            Object(
                "tradedesk",
                (
                    Field("secretKey", Text(), "secret of the advertiser", required=True),
                    Field("secretKeyDataProvider", Text(), "secret of the data provider", required=True),
                ),
            ),
            "The Trade Desk",
        ),
        Field(
            "verizon",
            Object(
                "verizon",
                (
                    Field("clientId", Text(), "id of the client", required=True),
                    Field("clientSecret", Text(), "secret of the client", required=True),
                ),
            ),
            "Yahoo (Verizon Media); not supported",
        ),
    ),
    one_of=("headwater", "salesforceCdp", "tradedesk", "verizon"),
)

HTTP_SECTION = Object(
    "HttpSection",
    (
        Field("endpoint", Text(), "URL", required=True),
        Field("method", Text(choices=("GET", "POST", "PUT", "PATCH", "DELETE")), "HTTP method", required=True),
        Field("headers", ListOf(HEADER), "headers of each request"),
        Field("batchSize", Number(whole=True, minimum=1), "greatest number of outputs in one request, default 1"),
        Field("queryEncoding", Text(choices=("use_path_escape_encoding",)), "how a GET writes its query"),
        Field("transform", LUA, "Lua body that changes the request before it is sent"),
        Field("basicAuth", BASIC, "user name and password"),
        Field("oauth1Auth", OAUTH1, "OAuth 1.0a signature (RFC 5849)"),
        Field("oauth2Auth", OAUTH2, "OAuth 2 bearer token"),
        Field("providerAuth", PROVIDER, "a vendor's own scheme"),
    ),
    one_of=("basicAuth", "oauth1Auth", "oauth2Auth", "providerAuth"),
    at_most=True,
)

_WHOLE = Number(whole=True)


def _kind(name: str, description: str, *fields: tuple[str, object, str]) -> Field:
    """A kind of connection; a field's name ends in `*` when it is required."""
    members = tuple(
        Field(field.rstrip("*"), shape, text, required=field.endswith("*"))  # type: ignore[arg-type]  # shapes, see rows below
        for field, shape, text in fields
    )
    return Field(name, Object(name, members, loose_names=True), description)


_CREDENTIALS = Object(
    "saslPlain",
    (Field("username", Text(), "user name", required=True), Field("password", Text(), "password", required=True)),
    loose_names=True,
)
_SCRAM = Object(
    "saslScram",
    (
        Field("algorithm", Text(choices=("SHA_256", "SHA_512", "1", "2")), "hash of the exchange", required=True),
        *_CREDENTIALS.fields,
    ),
    loose_names=True,
)
_CODE = Number(whole=True, minimum=0)
"""A numbered choice; a compression is 0 unspecified, 1 snappy, 2 gzip, 3 none."""

_OBJECT_FIELDS: tuple[tuple[str, object, str], ...] = (
    (
        "format",
        Text(choices=("ndjson", "parquet")),
        "what objects hold: ndjson (lines of JSON, the default) or parquet",
    ),
    ("columns", ListOf(Text(), or_text=True), "typed columns of Parquet as name:type, a list or separated by commas"),
)
_S3_FIELDS: tuple[tuple[str, object, str], ...] = (
    ("region*", Text(), "region of the bucket"),
    ("bucket*", Text(), "name of the bucket"),
    ("prefix", Text(), "first part of every object's name"),
    ("accessKey", Text(), "access key"),
    ("secretKey", Text(), "secret key"),
    ("roleArn", Text(), "role to assume"),
    ("roleArnExternalId", Text(), "external id of the role"),
    ("serverSideEncryption", Text(), "encryption at rest"),
    ("compression", _CODE, "1 snappy, 2 gzip, 3 none"),
)
_GCS_FIELDS: tuple[tuple[str, object, str], ...] = (
    ("bucket*", Text(), "name of the bucket"),
    ("credentialJson*", Text(), "service account key as JSON"),
    ("compression*", _CODE, "1 snappy, 2 gzip, 3 none"),
    ("prefix", Text(), "first part of every object's name"),
)
_STREAM_FIELDS: tuple[tuple[str, object, str], ...] = (
    ("region*", Text(), "region of the stream"),
    ("streamName*", Text(), "name of the stream"),
    ("accessKey*", Text(), "access key"),
    ("secretKey*", Text(), "secret key"),
)
_BIGQUERY_FIELD = Object(
    "fieldOverride",
    (
        Field("table", Text(), "table"),
        Field("field", Text(), "column"),
        Field("fieldType", _CODE, "1 text, 2 time"),
    ),
    loose_names=True,
)
_PARTITIONING = Object(
    "partitioning",
    (
        Field("granularity", _CODE, "1 hour, 2 day, 3 month, 4 year"),
        Field("partitionField", Text(), "column that decides the partition"),
        Field("expirationDays", _WHOLE, "days that a partition is kept"),
        Field(
            "events",
            ListOf(
                Object(
                    "partitionEvent",
                    (Field("eventName", Text(), "event"), Field("tableOverride", Text(), "its table")),
                    loose_names=True,
                )
            ),
            "tables by event",
        ),
    ),
    loose_names=True,
)

KINDS: tuple[Field, ...] = (
    _kind(
        "kafka",
        "a Kafka topic; each output is a message",
        ("brokers*", ListOf(Text(), or_text=True), "addresses, a list or separated by commas"),
        ("topic*", Text(), "topic"),
        ("tls", Flag(), "true: encrypt"),
        ("saslPlain", _CREDENTIALS, "user name and password"),
        ("saslScram", _SCRAM, "salted challenge"),
        ("compression", Text(), "codec of the messages"),
        ("batchSize", Number(whole=True, minimum=1), "messages in one write"),
    ),
    _kind("amazon-kinesis", "an Amazon Kinesis stream; each output is a record", *_STREAM_FIELDS),
    _kind("amazon-data-firehose", "an Amazon Data Firehose stream; each output is a record", *_STREAM_FIELDS),
    _kind(
        "googlePubsub",
        "a Google Pub/Sub topic; each output is a message",
        ("projectId*", Text(), "project"),
        ("topic*", Text(), "topic"),
        ("credentials", Text(), "service account key as JSON"),
    ),
    _kind("s3", "an Amazon S3 bucket; each output is a line or row of an object", *_S3_FIELDS, *_OBJECT_FIELDS),
    _kind("gcs", "a Google Cloud Storage bucket; each output is a line or row", *_GCS_FIELDS, *_OBJECT_FIELDS),
    _kind(
        "blob",
        "an Azure Blob Storage container; each output is a line or row",
        ("bucket*", Text(), "container"),
        ("accountName*", Text(), "storage account"),
        ("compression*", _CODE, "1 snappy, 2 gzip, 3 none"),
        ("prefix", Text(), "first part of every object's name"),
        ("accountKey", Text(), "key of the account"),
        ("sasToken", Text(), "shared access signature"),
        ("useManagedIdentity", Flag(), "true: use the identity of the machine"),
        *_OBJECT_FIELDS,
    ),
    _kind(
        "googleBigqueryStreaming",
        "BigQuery; each output is a row of the table named after the event",
        ("projectId*", Text(), "project"),
        ("dataset*", Text(), "dataset"),
        ("region*", Text(), "region"),
        ("credentials", Text(), "service account key as JSON"),
        ("defaultTableOverride", Text(), "table for events without one of their own"),
        ("tableOverrides", MapOf(Text()), "table by event name"),
        ("fieldOverrides", ListOf(_BIGQUERY_FIELD), "types of columns"),
        ("partitioning", _PARTITIONING, "partitions of the tables"),
        ("bigQueryOptions", _CODE, "1: do not create the dataset"),
    ),
    _kind(
        "snowflake",
        "Snowflake through a staged file; each output is a line",
        ("account*", Text(), "account"),
        ("user*", Text(), "user"),
        ("password*", Text(), "password"),
        ("privateKey*", Text(), "private key"),
        ("database*", Text(), "database"),
        ("schema*", Text(), "schema"),
        ("warehouse*", Text(), "warehouse"),
        ("snowpipe*", Text(), "pipe"),
        ("s3", _kind("s3", "", *_S3_FIELDS).shape, "stage on Amazon S3"),
        ("gcs", _kind("gcs", "", *_GCS_FIELDS).shape, "stage on Google Cloud Storage"),
    ),
    _kind(
        "snowflakeStreaming",
        "Snowflake, row by row",
        ("account*", Text(), "account"),
        ("user*", Text(), "user"),
        ("privateKey*", Text(), "private key"),
        ("database*", Text(), "database"),
        ("schema*", Text(), "schema"),
        ("table*", Text(), "table"),
        ("pipe*", Text(), "pipe"),
    ),
    _kind(
        "adobe-bdia",
        "Adobe bulk data insertion; each output is a CSV line",
        ("clientId*", Text(), "client"),
        ("clientSecret*", Text(), "its secret"),
        ("tokenScopes*", Text(), "scopes"),
        ("tokenUrl", Text(), "where tokens are given out"),
        ("eventEndpoint", Text(), "where files go"),
        ("columnNames", Text(), "columns, separated by commas"),
    ),
    _kind(
        "googleCM360",
        "Campaign Manager 360; each output is a conversion",
        ("credentialsJson*", Text(), "service account key as JSON"),
        ("profileIdStr*", Text(), "profile as text"),
        ("profileId", _WHOLE, "profile as a number"),
    ),
    _kind(
        "google_ads_audience",
        "a Google Ads user list; each output is an operation",
        ("audienceId*", Text(), "list"),
        ("customerId*", Text(), "customer"),
        ("developerToken*", Text(), "developer token"),
        ("principalEmail", Text(), "user on whose behalf"),
        ("privateKey", Text(), "private key"),
        ("serviceAccountEmail", Text(), "service account"),
    ),
    _kind(
        "iterable",
        "Iterable; the event decides which call is made",
        ("apiKey*", Text(), "API key"),
        ("apiBaseUrl*", Text(), "address of the API"),
    ),
    _kind("rasp", "Ringier Axel Springer Poland", ("network*", Text(), "network")),
    _kind("pipeline-router", "another pipeline of this installation, chosen by the output's writeKey"),
    _kind("stdout", "a line of the log"),
    _kind(
        "profiles", "the customer profiles of this install", ("stream", Text(), "stream as which the schema sees it")
    ),
)
"""Every connection that is not HTTP. Field names are compared without case, `_` and `-`."""

CONNECTION = Object(
    "Connection",
    (
        Field("params", ListOf(PARAMETER), "values that each installation sets"),
        Field("default", HTTP_SECTION, "the request for events without a section of their own"),
        Field("eventSpecific", MapOf(HTTP_SECTION), "requests by event name; nothing is inherited from default"),
        *KINDS,
    ),
)
