"""Finnish, Swedish and English: which one a reader gets, and the words in it.

Words are keyed by their msgid, a stable key of the glossary, never by a sentence. Each language has
several catalogues (`web/locale/fi/common.po`, …), one for each owner; together they are one namespace.
They are read from source at start, so no compiled file has to be kept in step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from babel import Locale
from babel.messages.pofile import read_po

LANGUAGES = ("fi", "sv", "en")
NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}
LANGUAGE_COOKIE = "lang"
LOCALE_FOLDER = Path(__file__).parent / "locale"

Text = str | tuple[str, ...]


class Fields(dict[str, object]):
    """Fields of a text; one that was not given stays readable instead of breaking the page."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


@dataclass(frozen=True, slots=True)
class Words:
    """All words of one language; `domains` keeps which catalogue a key came from."""

    lang: str
    entries: Mapping[str, Text]
    domains: Mapping[str, frozenset[str]]

    def text(self, key: str, /, **fields: object) -> str:
        """The text of `key`; `{name}` fields are filled in. A key nobody wrote shows as itself."""
        entry = self.entries.get(key, key)
        text = entry if isinstance(entry, str) else entry[-1]
        return text.format_map(Fields(fields)) if fields else text

    def plural(self, key: str, n: int, /, **fields: object) -> str:
        """The form of `key` that the number `n` asks for; `{n}` is filled in."""
        entry = self.entries.get(key, key)
        if isinstance(entry, str):
            text = entry
        else:
            text = entry[0] if Locale(self.lang).plural_form(n) == "one" else entry[-1]
        return text.format_map(Fields(fields | {"n": n}))

    def texts(self, *domains: str) -> dict[str, str | dict[str, str]]:
        """The words of whole catalogues for a browser module; plurals as {"one", "other"}."""
        found: dict[str, str | dict[str, str]] = {}
        for domain in domains:
            for key in sorted(self.domains.get(domain, ())):
                entry = self.entries[key]
                found[key] = (
                    entry if isinstance(entry, str) else {"one": entry[0], "other": entry[-1]}
                )
        return found


def read_catalogue(path: Path, lang: str) -> dict[str, Text]:
    """The entries of one .po file; entries without a text are left out."""
    with path.open("rb") as file:
        catalogue = read_po(file, locale=lang)
    entries: dict[str, Text] = {}
    for message in catalogue:
        if not message.id:
            continue
        key = message.id if isinstance(message.id, str) else message.id[0]
        text = message.string if isinstance(message.string, str) else tuple(message.string or ())
        if text and all(text):
            entries[key] = text
    return entries


def read_words(lang: str, folder: Path = LOCALE_FOLDER) -> Words:
    """All catalogues of a language, merged."""
    entries: dict[str, Text] = {}
    domains: dict[str, frozenset[str]] = {}
    for path in sorted((folder / lang).glob("*.po")):
        catalogue = read_catalogue(path, lang)
        domains[path.stem] = frozenset(catalogue)
        entries.update(catalogue)
    return Words(lang, entries, domains)


@cache
def words(lang: str) -> Words:
    """The words of `lang`, read once."""
    return read_words(lang)


def accepted(header: str) -> str | None:
    """The best of our languages in an Accept-Language header (RFC 9110 §12.5.4), None if there is none."""
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:1000].split(",")):
        tag, _, rest = part.strip().partition(";")
        code = tag.strip().lower().split("-")[0]
        quality = rest.strip().removeprefix("q=") if rest.strip() else "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        if code in LANGUAGES and 0 < weight <= 1:
            wanted.append((-weight, place, code))
    return min(wanted)[2] if wanted else None


def first_of(candidates: Iterable[str | None]) -> str:
    """The first that is a language of ours; Finnish otherwise."""
    return next((one for one in candidates if one in LANGUAGES), LANGUAGES[0])


def language_of(request: web.Request) -> str:
    """The reader's language: `?lang=`, else what was chosen before, else the browser's, else Finnish."""
    return first_of(
        (
            request.query.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            accepted(request.headers.get("Accept-Language", "")),
        )
    )
