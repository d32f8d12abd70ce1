"""The shape of a playbook and of metadata: every key, what it is for, and how keys exclude each other."""

from __future__ import annotations

from headwater.playbooks.grammar import Field, Flag, ListOf, MapOf, Number, Object, Reference, Text

PARAMETER = Object(
    "Parameter",
    (
        Field("name", Text(pattern="[A-Z][A-Z0-9_]*"), "upper-case name; $$NAME$$ stands for its value", required=True),
        Field("exampleValue", Text(), "shown to people, never used at run time"),
        Field("defaultValue", Text(), "used when nobody sets a value"),
        Field("description", Text(), "what it is and where to find it"),
        Field("isOptional", Flag(), "true: may stay unset"),
        Field("isSensitive", Flag(), "true: the value is a secret and never shown"),
    ),
)

LUA = Object(
    "Lua",
    (
        Field("lang", Text(choices=("lua",)), "the language, always lua", required=True),
        Field("body", Text(), "Lua 5.1 source text that returns a value", required=True),
        Field("name", Text(), "a label for people"),
    ),
)

_PATH = Field("inputPath", Text(), "dotted path in the event", required=True)
_STRING_FIELDS = (
    _PATH,
    Field("value", Text(), "the text to compare with", required=True),
    Field("ignoreCase", Flag(), "true: capitals do not matter"),
)


def _inner(field: str, *fields: Field) -> Field:
    description = {
        "matchesAll": "true when all conditions hold",
        "matchesAny": "true when at least one condition holds",
        "inputPathExists": "true when the path leads to a value other than null",
        "inputPathIsString": "true when the path leads to text",
        "inputPathIsObject": "true when the path leads to an object",
        "stringEqual": "true when the text at the path is the value; a missing path reads as empty text",
        "stringNotEqual": "true when the text at the path is not the value; a missing path reads as empty text",
        "booleanEqual": "true when the path leads to that boolean",
    }[field]
    return Field(field, Object(field, fields), description)


CONDITION = Object(
    "Condition",
    (
        _inner("matchesAll", Field("conditions", ListOf(Reference("Condition")), "all must hold", required=True)),
        _inner("matchesAny", Field("conditions", ListOf(Reference("Condition")), "one must hold", required=True)),
        _inner("inputPathExists", _PATH),
        _inner("inputPathIsString", _PATH),
        _inner("inputPathIsObject", _PATH),
        _inner("stringEqual", *_STRING_FIELDS),
        _inner("stringNotEqual", *_STRING_FIELDS),
        _inner("booleanEqual", _PATH, Field("value", Flag(), "the boolean to compare with", required=True)),
    ),
    one_of=(
        "matchesAll",
        "matchesAny",
        "inputPathExists",
        "inputPathIsString",
        "inputPathIsObject",
        "stringEqual",
        "stringNotEqual",
        "booleanEqual",
    ),
)

_ACTION = Field(
    "action", Text(choices=("allow", "deny")), "allow: pass when true; deny: pass when false", required=True
)

FILTER = Object(
    "Filter",
    (
        Field(
            "byEventNames",
            Object(
                "byEventNames",
                (_ACTION, Field("events", ListOf(Text()), "event names, as in eventSpecific", required=True)),
            ),
            "true when the event's name is in the list",
        ),
        Field(
            "byConditions",
            Object("byConditions", (_ACTION, Field("when", Reference("Condition"), "the condition", required=True))),
            "true when the condition holds",
        ),
    ),
    one_of=("byEventNames", "byConditions"),
)

SPREADING = Object(
    "Spreading",
    (
        Field("inputKey", Text(), "dotted path of the object to spread", required=True),
        Field(
            "flatten",
            Object(
                "flatten",
                (
                    Field("separator", Text(), "between the parts of a key, default _"),
                    Field("prefix", Text(), "first part of every key"),
                    Field(
                        "depth", Number(whole=True, minimum=0), "greatest number of parts after the prefix; 0: no limit"
                    ),
                ),
            ),
            "how nested keys become one key",
            required=True,
        ),
    ),
)

_OUTPUT_KEY = Field("outputKey", Text(), "where the value goes; dots build nested objects", required=True)

ENRICHMENT = Object(
    "Enrichment",
    (
        _OUTPUT_KEY,
        Field("staticString", Text(), "this text"),
        Field("staticInt", Number(whole=True), "this whole number"),
        Field("staticFloat", Number(), "this number"),
        Field("staticBool", Flag(), "this boolean"),
        Field("timestamp", Text(choices=("seconds", "milliseconds")), "the present time since 1970, in this unit"),
        Field("uuid", Text(choices=("v4",)), "a new random identifier"),
    ),
    one_of=("staticString", "staticInt", "staticFloat", "staticBool", "timestamp", "uuid"),
)

TRANSFORM = Object(
    "Transform",
    (
        Field("expression", LUA, "the value that a Lua body returns"),
        Field("modifyString", Text(choices=("uppercase", "lowercase", "trim")), "the text in another form"),
        Field(
            "substring",
            Object(
                "substring",
                (
                    Field("start", Number(whole=True), "first character, counted from 0", required=True),
                    Field("end", Number(whole=True), "the character after the last one", required=True),
                ),
            ),
            "a part of the text",
        ),
        Field("toHash", Text(choices=("sha256", "md5")), "lower-case hexadecimal hash of the text"),
        Field(
            "toScalar",
            Text(choices=("string", "float", "truncated_int", "bool", "rounded_int", "truncated_float")),
            "the value as another kind",
        ),
        Field(
            "toDateTime",
            Object(
                "toDateTime",
                (
                    Field("inputFormat", Text(), "layout of the time that comes in", required=True),
                    Field("outputFormat", Text(), "layout of the time that goes out", required=True),
                ),
            ),
            "a time written in another layout, in UTC",
        ),
        Field("toTimestamp", Text(choices=("inSeconds", "inMillis")), "whole number since 1970 of an RFC 3339 time"),
        Field(
            "pluckValues",
            Object("pluckValues", (Field("extractKey", Text(), "key to take from each object", required=True),)),
            "that key of every object in a list",
        ),
        Field(
            "joinValues",
            Object("joinValues", (Field("separator", Text(), "between the values", required=True),)),
            "the values of a list as one text",
        ),
        Field(
            "replaceString",
            Object(
                "replaceString",
                (
                    Field("find", Text(), "text to look for, no pattern", required=True),
                    Field("replace", Text(), "text to put in its place", required=True),
                ),
            ),
            "every occurrence replaced",
        ),
        Field(
            "splitString",
            Object(
                "splitString",
                (
                    Field("separator", Text(), "where to cut, no pattern", required=True),
                    Field("limit", Number(whole=True, minimum=1), "keep only this many pieces"),
                ),
            ),
            "a list of pieces",
        ),
    ),
    one_of=(
        "expression",
        "modifyString",
        "substring",
        "toHash",
        "toScalar",
        "toDateTime",
        "toTimestamp",
        "pluckValues",
        "joinValues",
        "replaceString",
        "splitString",
    ),
)

MAPPING = Object(
    "Mapping",
    (
        Field("inputKey", Text(), "dotted path in the event; `input` is the whole event", required=True),
        _OUTPUT_KEY,
        Field("transforms", ListOf(TRANSFORM), "applied in order, each on the result of the one before"),
        Field("defaultString", Text(), "used when there is no value"),
        Field("defaultInt", Number(whole=True), "used when there is no value"),
        Field("defaultFloat", Number(), "used when there is no value"),
        Field("defaultBool", Flag(), "used when there is no value"),
    ),
    one_of=("defaultString", "defaultInt", "defaultFloat", "defaultBool"),
    at_most=True,
)

SECTION = Object(
    "Section",
    (
        Field("filters", ListOf(FILTER), "all must pass, else the event is dropped for this integration"),
        Field("spreadings", ListOf(SPREADING), "objects spread over many keys"),
        Field("enrichments", ListOf(ENRICHMENT), "fixed values, the clock, new identifiers"),
        Field("mappings", ListOf(MAPPING), "values of the event under other names"),
        Field("expressions", ListOf(LUA), "Lua bodies whose objects are merged into the output"),
    ),
)

PLAYBOOK = Object(
    "Playbook",
    (
        Field("version", Text(pattern=r"[0-9]+\.[0-9]+\.[0-9]+.*"), "semantic version of this playbook", required=True),
        Field("params", ListOf(PARAMETER), "values that each installation sets"),
        Field("global", SECTION, "applies to every event"),
        Field("eventSpecific", MapOf(SECTION), "sections by event name"),
        Field("default", SECTION, "applies to events without a section of their own"),
    ),
)

METADATA = Object(
    "Metadata",
    (
        Field("friendlyName", Text(), "name in the catalogue"),
        Field("description", Text(), "one or two sentences for the catalogue"),
        Field("logo", Text(), "URL of a picture"),
        Field("color", Text(), "colour as #RRGGBB"),
        Field(
            "eventSource",
            Object(
                "eventSource",
                (
                    Field("isWebApp", Flag(), "fit for web sites"),
                    Field("isAndroidApp", Flag(), "fit for Android apps"),
                    Field("isIosApp", Flag(), "fit for iOS apps"),
                ),
            ),
            "where events may come from",
        ),
        Field("inputSchema", Text(choices=("analytics_js",)), "shape of the events"),
        Field("isDraft", Flag(), "true: hidden from the catalogue"),
        Field("isBeta", Flag(), "true: labelled as beta"),
        Field("isDeprecated", Flag(), "true: keeps running, not offered for new pipelines"),
        Field(
            "releaseNotes",
            ListOf(
                Object(
                    "releaseNote",
                    (
                        Field("date", Text(), "RFC 3339 time", required=True),
                        Field("note", Text(), "what changed", required=True),
                    ),
                )
            ),
            "history for people",
        ),
    ),
)

SHAPES: dict[str, Object] = {"Condition": CONDITION}
"""Shapes that refer to themselves, by name."""
