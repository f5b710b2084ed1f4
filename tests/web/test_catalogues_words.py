"""The house's words: complete in three languages, and by the glossary's rules."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from web.language import LANGUAGES, LOCALE_FOLDER, Fields, Text, words
from web.moments import date_of

WEB = LOCALE_FOLDER.parent
CATALOGUES = sorted((LOCALE_FOLDER / "fi").glob("*.po"))
GUEST_DOMAINS = ("common", "catalogue", "recording", "errors", "hall", "companion")
STAFF_TEMPLATES = {"desk.html", "host.html", "staff.html"}

FORBIDDEN = re.compile(
    r"\b(PIN|koodi\w*|salasana\w*|linkki\w*|linki\w*|liity\w*|liittyä|kirjaudu\w*|kirjautu\w*|käyttäjä\w*"
    r"|istunto\w*|istunno\w*|sessio\w*|striimi\w*|live|livenä|chat\w*|virhe\w*|virhee\w*"
    r"|Oletko varma|Valitettavasti|laite ei tuettu)\b",
    re.IGNORECASE,
)
INFLECTED = re.compile(r"\}(n|lle|ssa|ssä|lta|ltä|sta|stä|ta|tä|an|en|in|a|ä|lla|llä)\b")


def forms(text: Text) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else text


def fields(text: Text) -> set[str]:
    found = chain.from_iterable(Formatter().parse(form) for form in forms(text))
    return {name for _, name, _, _ in found if name}


def entries(lang: str, domains: tuple[str, ...] | None = None) -> Iterator[tuple[str, str]]:
    known = words(lang)
    wanted = known.domains if domains is None else domains
    for domain in wanted:
        for key in sorted(known.domains.get(domain, ())):
            for form in forms(known.entries[key]):
                yield key, form


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_every_key_has_words_in_every_language(path: Path) -> None:
    keys: dict[str, set[str]] = {}
    for lang in LANGUAGES:
        with (LOCALE_FOLDER / lang / path.name).open("rb") as file:
            messages = [message for message in read_po(file, locale=lang) if message.id]
        empty = [m.id for m in messages if not m.string or not all(forms(m.string))]  # type: ignore[arg-type]  # a list is as good as a tuple here
        assert not empty, lang
        assert not [m.id for m in messages if m.fuzzy], lang
        keys[lang] = {m.id if isinstance(m.id, str) else m.id[0] for m in messages}
    assert keys["fi"] == keys["sv"] == keys["en"]


def test_no_language_has_a_catalogue_of_its_own() -> None:
    names = [{path.name for path in (LOCALE_FOLDER / lang).glob("*.po")} for lang in LANGUAGES]
    assert names[0] == names[1] == names[2]


def test_a_key_stands_in_one_catalogue_only() -> None:
    for lang in LANGUAGES:
        counted = Counter(chain.from_iterable(words(lang).domains.values()))
        assert [key for key, times in counted.items() if times > 1] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_sentence_has_two_full_stops_where_a_date_ends_with_one(lang: str) -> None:
    when = date_of(date(2026, 12, 1), lang)
    told = [form.format_map(Fields(date=when)) for _, form in entries(lang)]
    assert len([text for text in told if when in text]) >= 6
    assert [text for text in told if ".." in text] == []


def test_fields_are_the_same_in_every_language() -> None:
    different = [
        key
        for key, text in words("fi").entries.items()
        if not fields(text) == fields(words("sv").entries[key]) == fields(words("en").entries[key])
    ]
    assert different == []


def test_names_stay_in_the_nominative() -> None:
    assert [(key, text) for key, text in entries("fi") if INFLECTED.search(text)] == []


def test_guests_never_read_words_of_computers_and_banks() -> None:
    found = [(key, text) for key, text in entries("fi", GUEST_DOMAINS) if FORBIDDEN.search(text)]
    assert found == []


def test_the_house_says_te_to_guests() -> None:
    sinä = re.compile(
        r"\b(sinä|sinun|sinulle|sinua|voit|olet|haluatko|kuuletko|paina|soita|odota)\b"
    )
    guests = ("common", "catalogue", "recording", "errors", "hall")
    assert [(k, t) for k, t in entries("fi", guests) if sinä.search(t.lower())] == []
    du = re.compile(r"\b(du|dig|din|ditt|dina)\b")
    assert [(k, t) for k, t in entries("sv", guests) if du.search(t.lower())] == []


def test_nothing_is_shouted() -> None:
    assert [(key, text) for lang in LANGUAGES for key, text in entries(lang) if "!" in text] == []


def test_klo_and_its_time_never_part() -> None:
    for lang, word in (("fi", "klo "), ("sv", "kl. ")):
        assert [(k, t) for k, t in entries(lang) if re.search(re.escape(word) + r"[\d{]", t)] == []


def used_keys() -> Iterator[tuple[str, str]]:
    for path in sorted((WEB / "templates").glob("*.html")):
        text = path.read_text()
        for key in re.findall(r"\b(?:_|ngettext)\(\s*['\"](\w+)['\"]\s*[,)]", text):
            yield path.name, key
    for path in sorted((WEB / "static" / "js").glob("*.js")):
        for key in re.findall(r"\b(?:text|plural)\(\s*['\"](\w+)['\"]\s*[,)]", path.read_text()):
            yield path.name, key
    for path in sorted(WEB.glob("*.py")):
        for key in re.findall(r"\bsentence=['\"](\w+)['\"]", path.read_text()):
            yield path.name, key
        for key in re.findall(r"\.(?:text|plural)\(\s*['\"](\w+)['\"]\s*[,)]", path.read_text()):
            yield path.name, key
    for folder in ("rooms", "recordings", "streaming", "infra"):
        for path in sorted((WEB.parent / folder).glob("*.py")):
            for key in re.findall(
                r"\bsentence(?::\s*str)?\s*=\s*['\"](\w+)['\"]", path.read_text()
            ):
                yield path.name, key


def test_every_key_that_is_used_has_words() -> None:
    assert [(where, key) for where, key in used_keys() if key not in words("fi").entries] == []
