"""Secrets of integrations."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import ConfigurationError
from headwater.pipelines import secrets
from headwater.pipelines.objects import PlainValue, ReferenceValue, SealedValue
from headwater.pipelines.secrets import SecretBox, SecretResolver
from headwater.settings import Settings

BOX = SecretBox(b"k" * 32)


@given(st.text(), st.text())
def test_what_was_sealed_opens_at_its_place(secret, place):
    """Opening is the inverse of sealing, and the sealed text does not hold the secret."""
    sealed = BOX.seal(secret, place)
    assert BOX.open(sealed, place) == secret
    assert len(secret) < 6 or secret not in sealed


@given(st.text(min_size=1), st.integers(min_value=9), st.sampled_from("ABCxyz019"))
def test_a_changed_seal_does_not_open(secret, position, character):
    """One changed character of the sealed text is noticed."""
    sealed = BOX.seal(secret, "p")
    at = 9 + position % (len(sealed.rstrip("=")) - 10)
    changed = sealed[:at] + character + sealed[at + 1 :]
    if changed != sealed:
        with pytest.raises(ConfigurationError, match="damaged"):
            BOX.open(changed, "p")


def test_a_seal_does_not_open_at_another_place():
    """A sealed value copied to another integration or parameter stays closed."""
    with pytest.raises(ConfigurationError, match="damaged"):
        BOX.open(BOX.seal("s", "integration a: parameter KEY"), "integration b: parameter KEY")


def test_another_key_file_is_reported_as_such():
    """Someone who restored the database without the key file learns exactly that."""
    with pytest.raises(ConfigurationError, match="another key file"):
        SecretBox(b"x" * 32).open(BOX.seal("s", "p"), "p")


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path):
    """The first use creates the file with mode 0600, the next one opens what the first sealed."""
    settings = Settings(data_folder=str(tmp_path / "data"))
    sealed = secrets.open_box(settings).seal("s", "p")
    assert stat.S_IMODE(secrets.key_file(settings).stat().st_mode) == 0o600
    assert secrets.open_box(settings).open(sealed, "p") == "s"
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret.key"]


def test_a_named_key_file_must_exist(tmp_path):
    """A wrong path must not silently become a new key."""
    with pytest.raises(ConfigurationError, match="not a file"):
        secrets.open_box(Settings(secret_key_file=str(tmp_path / "k")))


def test_a_key_file_with_something_else_is_refused(tmp_path):
    """A file that holds no key is named."""
    (tmp_path / "k").write_text("hello")
    with pytest.raises(ConfigurationError, match="holds no key"):
        secrets.open_box(Settings(secret_key_file=str(tmp_path / "k")))


@pytest.mark.parametrize(
    ("name", "sensitive"),
    [
        ("API_KEY", True),
        ("APIKEY", True),
        ("CLIENT_SECRET", True),
        ("ACCESS_TOKEN", True),
        ("PASSWORD", True),
        ("RSA_PEM_KEY", True),
        ("PRIVATE_KEY", True),
        ("SECRET_KEY_DATA_PROVIDER", True),
        ("STREAM_ID", False),
        ("KEYWORD", False),
        ("TOKEN_URL", False),
        ("WRITE_KEY", False),
    ],
)
def test_the_name_of_a_parameter_tells_a_secret(name, sensitive):
    """Kits often forget to mark a secret, so the name counts too."""
    assert secrets.is_sensitive(name) is sensitive
    assert secrets.is_sensitive(name, declared=True)


def test_a_value_is_stored_by_what_it_is():
    """References stay references, secrets are sealed, the rest is readable."""
    stored = [
        secrets.stored(name, text, sensitive=False, box=BOX, integration_id="i")
        for name, text in [("STREAM_ID", "default"), ("API_KEY", "k-1"), ("API_KEY", "secret://env/LYTICS_KEY")]
    ]
    assert stored[0] == PlainValue("default")
    assert isinstance(stored[1], SealedValue)
    assert stored[2] == ReferenceValue("secret://env/LYTICS_KEY")
    resolver = SecretResolver(BOX, {"LYTICS_KEY": "k-2"}, private_folder=Path("/nowhere"))
    assert resolver.texts({"API_KEY": stored[1]}, "i") == {"API_KEY": "k-1"}
    assert resolver.text(stored[2], "p") == "k-2"


def test_a_file_reference_is_read_without_its_last_line_break(tmp_path):
    """Files written by an editor or a secret mount give the same text."""
    (tmp_path / "key").write_text("k-3\n")
    resolver = SecretResolver(BOX, {}, private_folder=tmp_path / "data")
    assert resolver.text(ReferenceValue(f"secret://file{tmp_path}/key"), "p") == "k-3"


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("secret://env/MISSING", "MISSING is not set"),
        ("secret://file/nowhere/key", "cannot read the secret file /nowhere/key"),
        ("secret://vault/x", "is no reference"),
        ("secret://env/", "is no reference"),
        ("secret://env/HEADWATER_DATABASE_URL", "belongs to Headwater"),
    ],
)
def test_a_reference_that_leads_nowhere_is_named(tmp_path, reference, reason):
    """The message says which parameter and what is missing."""
    resolver = SecretResolver(BOX, {}, private_folder=tmp_path)
    with pytest.raises(ConfigurationError, match=f"integration i: parameter KEY: .*{reason}"):
        resolver.text(ReferenceValue(reference), "integration i: parameter KEY")


def test_a_reference_cannot_give_away_our_own_keys(tmp_path):
    """Neither directly nor through `..` can a kit be made to send the key file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "secret.key").write_text("key")
    resolver = SecretResolver(BOX, {}, private_folder=tmp_path / "data")
    for path in (f"{tmp_path}/data/secret.key", f"{tmp_path}/other/../data/secret.key"):
        with pytest.raises(ConfigurationError, match="data folder"):
            resolver.text(ReferenceValue(f"secret://file{path}"), "p")
