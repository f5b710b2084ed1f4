"""Every setting: name, default, unit, help. A wrong one stops the start with a sentence.

They come from the environment (upper case, no prefix) and from `.env`; the environment wins. An empty
value is no value. `.env.example` lists them all with their defaults; a test compares.
"""

from __future__ import annotations

import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infra import addresses

_KEY_FILE = "secret.key"
_SHORTEST_KEY = 32

Port = Annotated[int, Field(ge=0, le=65535)]
Network = IPv4Network | IPv6Network


class WrongSettings(Exception):
    """The start is not possible with these settings; `sentences` say why, one a setting."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


class Settings(BaseSettings):
    """The house's settings. Fields left open take a value from those above them."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    host: str = Field("0.0.0.0", description="address that HTTP listens on")
    port: Port = Field(8080, description="TCP port of HTTP; 0 takes a free one")
    media_port: Port = Field(
        default_factory=lambda data: data["port"],
        description="UDP port of all media; empty means the same number as PORT",
    )
    ops_port: Port = Field(
        default_factory=lambda data: data["port"] + 1 if data["port"] else 0,
        description="loopback port of /livez, /readyz and /metrics; empty means PORT + 1",
    )
    public_url: str = Field(
        default_factory=lambda data: f"http://localhost:{data['port']}",
        description="where browsers find the house; https:// unless it is localhost",
    )
    node_url: str = Field(
        default_factory=lambda data: data["public_url"],
        description="where browsers reach exactly this process, when several serve the house; "
        "empty means PUBLIC_URL",
    )
    public_addresses: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="addresses for media when they are not the machine's own, by commas",
    )
    data_dir: Path = Field(Path("var"), description="folder of everything the house writes")
    database_url: str = Field(
        default_factory=lambda data: f"sqlite+aiosqlite:///{data['data_dir'] / 'lampio.sqlite3'}",
        description="SQLAlchemy URL; empty means an SQLite file in DATA_DIR",
        repr=False,
    )
    redis_url: str = Field(
        "",
        description="redis://, rediss:// or unix:// URL of what carries between several processes; "
        "empty means there is one process",
        repr=False,
    )
    storage_url: str = Field(
        default_factory=lambda data: str(data["data_dir"] / "media"),
        description="folder or s3:// URL of recordings; empty means DATA_DIR/media",
    )
    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="keys by commas, 32 characters or more each: the first signs, all verify; "
        "empty only on localhost, where one is made in DATA_DIR",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="networks whose X-Forwarded-* headers count, by commas"
    )
    viewing_sessions: int = Field(
        20, ge=1, description="WHEP sessions that one viewing key may have at once"
    )
    help_phone: str = Field("09 555 0100", description="telephone number shown to guests")
    timezone: str = Field("Europe/Helsinki", description="time zone in which times are shown")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="least level"
    )
    log_format: Literal["json", "console"] = Field(
        "json", description="one JSON object a line, or text"
    )

    @field_validator("public_addresses", "secret_keys", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("public_addresses")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(ip_address(part)) for part in value)

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is not the name of a time zone, such as Europe/Helsinki") from error
        return value

    @field_validator("public_url", "node_url")
    @classmethod
    def _origin(cls, value: str) -> str:
        return addresses.origin(value)

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        return addresses.database(value)

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        return addresses.carrier(value) if value else value

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everybody(cls, value: tuple[Network, ...]) -> tuple[Network, ...]:
        if any(network.prefixlen == 0 for network in value):
            raise ValueError("must not trust every address: anybody could say who they are")
        return value

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(key.get_secret_value()) < _SHORTEST_KEY for key in value):
            raise ValueError(f"each key needs {_SHORTEST_KEY} characters or more")
        return value

    @model_validator(mode="after")
    def _keys_for_the_public(self) -> Settings:
        if not self.secret_keys and not self.is_local:
            raise ValueError("SECRET_KEYS is needed when PUBLIC_URL is not localhost")
        return self

    @model_validator(mode="after")
    def _nodes_alike(self) -> Settings:
        if urlsplit(self.node_url).scheme != urlsplit(self.public_url).scheme:
            raise ValueError("NODE_URL and PUBLIC_URL must both begin with https://, or neither")
        return self

    @property
    def is_local(self) -> bool:
        """Whether browsers come from this machine only (`PUBLIC_URL` is http://localhost)."""
        parts = urlsplit(self.public_url)
        return parts.scheme == "http" and parts.hostname in addresses.LOCAL

    def for_this_machine(self) -> Settings:
        """The same settings for a house that nobody but this machine may reach (the demo).

        Raises `WrongSettings` where they say otherwise.
        """
        wrong = []
        if not self.is_local:
            wrong.append("PUBLIC_URL: the demo runs on http://localhost only.")
        if "host" in self.model_fields_set and not addresses.is_loopback(self.host):
            wrong.append("HOST: the demo listens on this machine only: leave it empty.")
        if addresses.is_elsewhere(self.database_url, self.redis_url):
            wrong.append("DATABASE_URL and REDIS_URL: the demo uses this machine's own only.")
        if wrong:
            raise WrongSettings(wrong)
        return (
            self
            if "host" in self.model_fields_set
            else self.model_copy(update={"host": "127.0.0.1"})
        )

    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys as bytes: the first signs, all verify.

        Without configured ones (localhost only) a key is made once in `DATA_DIR/secret.key`, readable
        by its owner alone.
        """
        if self.secret_keys:
            return tuple(key.get_secret_value().encode() for key in self.secret_keys)
        self.data_dir.mkdir(parents=True, exist_ok=True)
        path = self.data_dir / _KEY_FILE
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return (path.read_text(encoding="ascii").strip().encode(),)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
        return self.signing_keys()


def load_settings(**given: Any) -> Settings:
    """Read the settings; `given` wins over environment and `.env`.

    Raises `WrongSettings` with a sentence for each setting that cannot be used.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSettings(_sentences(error)) from None


def _sentences(error: ValidationError) -> list[str]:
    found = []
    for one in error.errors(include_url=False, include_input=False):
        name = str(one["loc"][0]).upper() if one["loc"] else ""
        if one["type"] == "default_factory_not_called":
            continue  # follows from a wrong setting above it, which has its own sentence
        if one["type"] == "extra_forbidden":
            found.append(f"{name} in .env is no setting of ours.")
            continue
        text = one["msg"].removeprefix("Value error, ")
        joint = " " if not name or text.startswith(("is ", "must ")) else ": "
        found.append(f"{name}{joint}{text}.".strip())
    return found
