"""Wrong settings stop the start with a sentence; the sample is the defaults."""

from __future__ import annotations

import itertools
import re
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.settings import Settings, WrongSettings, load_settings

SAMPLE = Path(__file__).parents[2] / ".env.example"
KEY = "k" * 32


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_commented_sample_equals_the_defaults() -> None:
    assert Settings(_env_file=SAMPLE) == Settings(_env_file=None)


def test_the_sample_lists_every_setting_once_with_a_comment_in_the_order_of_the_class() -> None:
    lines = SAMPLE.read_text(encoding="utf-8").splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    assert names == [name.upper() for name in Settings.model_fields]
    for before, line in itertools.pairwise(lines):
        assert before.startswith("#") or line.startswith("#") or not line


def test_every_setting_has_words() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_open_settings_follow_from_those_above_them() -> None:
    settings = load_settings(port=9000, data_dir=Path("/srv/lampio"))
    assert (settings.media_port, settings.ops_port) == (9000, 9001)
    assert settings.public_url == "http://localhost:9000"
    assert settings.database_url == "sqlite+aiosqlite:////srv/lampio/lampio.sqlite3"
    assert settings.storage_url == "/srv/lampio/media"


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=9000\nHELP_PHONE=1\nTRUSTED_PROXIES=10.0.0.0/8, ::1\n")
    monkeypatch.setenv("PORT", "9001")
    monkeypatch.setenv("OPS_PORT", "")
    settings = load_settings()
    assert (settings.port, settings.ops_port, settings.help_phone) == (9001, 9002, "1")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://Lampio.Example:443/", "https://lampio.example"),
        ("https://lampio.example:8443", "https://lampio.example:8443"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_the_public_address_is_kept_as_browsers_write_an_origin(given: str, origin: str) -> None:
    assert load_settings(public_url=given, secret_keys=KEY).public_url == origin


WRONG = {
    "PORT=eighty": "PORT: Input should be a valid integer, unable to parse string as an integer.",
    "PORT=70000": "PORT: Input should be less than or equal to 65535.",
    "PUBLIC_URL=http://lampio.example": "PUBLIC_URL must begin with https:// unless it is localhost.",
    "PUBLIC_URL=lampio.example": (
        "PUBLIC_URL must be an address such as https://lampio.example, without a path."
    ),
    "PUBLIC_URL=https://us:er@lampio.example": (
        "PUBLIC_URL must be an address such as https://lampio.example, without a path."
    ),
    "PUBLIC_URL=https://lampio.example;script-src": (
        "PUBLIC_URL must be an address such as https://lampio.example, without a path."
    ),
    "PUBLIC_URL=https://lampio.example": (
        "SECRET_KEYS is needed when PUBLIC_URL is not localhost."
    ),
    "PUBLIC_ADDRESSES=here": "PUBLIC_ADDRESSES: 'here' does not appear to be an IPv4 or IPv6 address.",
    "SECRET_KEYS=short": "SECRET_KEYS: each key needs 32 characters or more.",
    "TIMEZONE=Helsinki": ("TIMEZONE is not the name of a time zone, such as Europe/Helsinki."),
    "LOG_FORMAT=xml": "LOG_FORMAT: Input should be 'json' or 'console'.",
    "POTR=80": "POTR in .env is no setting of ours.",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_setting_stops_the_start_with_one_sentence(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(line + "\n")
    with pytest.raises(WrongSettings) as refused:
        load_settings()
    assert refused.value.sentences == [WRONG[line]]


def test_no_sentence_tells_the_value_of_a_key(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("SECRET_KEYS=hush\nPUBLIC_URL=x\n")
    with pytest.raises(WrongSettings) as refused:
        load_settings()
    assert "hush" not in str(refused.value)
    assert "hush" not in repr(Settings(_env_file=None, secret_keys=(SecretStr("hush" * 8),)))


def test_the_first_key_signs_and_all_are_there() -> None:
    settings = load_settings(secret_keys=f"{KEY}, {'l' * 40}")
    assert settings.signing_keys() == (KEY.encode(), b"l" * 40)


def test_on_localhost_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "new")
    assert settings.is_local
    key = settings.signing_keys()
    assert key == settings.signing_keys()
    assert len(key[0]) >= 32
    mode = (tmp_path / "new" / "secret.key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_only_settings_that_somebody_reads_are_there() -> None:
    """Each name is used somewhere in the five folders."""
    root = Path(__file__).parents[2]
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("infra", "streaming", "rooms", "recordings", "web")
        for path in (root / folder).rglob("*.py")
    )
    unread = [
        name
        for name in Settings.model_fields
        if not re.search(rf"(settings|self|loaded|chosen)\.{name}\b", code)
    ]
    assert unread == []


def test_the_sample_of_a_real_server_is_one_that_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = SAMPLE.parent / "infra" / "deploy" / "lampio.env"
    with pytest.raises(WrongSettings, match="SECRET_KEYS is needed"):
        load_settings(_env_file=sample)
    monkeypatch.setenv("SECRET_KEYS", KEY)
    settings = load_settings(_env_file=sample)
    assert not settings.is_local
    assert settings.host == "127.0.0.1"
