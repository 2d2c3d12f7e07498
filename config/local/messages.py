"""`make messages`: the catalogues hold what the pages say, and nothing else, and are compiled."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from config.local.environment import ROOT
from config.local.refusals import StartRefused

_PACKAGES = ("agents", "appointments", "config", "engage", "notifications")
_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
# What a page puts in, and the marks around it: a translation has the same.
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}|</?\w+>")


def messages(environ: Mapping[str, str]) -> int:
    """Bring the catalogues up to date and give 1 if a translation is missing; ARGS add languages.

    Raises StartRefused.
    """
    findings = update(ROOT, shlex.split(environ.get("ARGS", "")))
    for one in findings:
        print(one, file=sys.stderr)
    print(f"{len(catalogues(ROOT))} catalogues; {len(findings)} texts are to be translated.")
    return 1 if findings else 0


def update(root: Path, languages: Sequence[str] = ()) -> list[str]:
    """Write the catalogues, those of more languages too, and give what remains to be done.

    Raises StartRefused.
    """
    for language in languages:
        _begin(root, language)
    said = said_in(root)
    findings = []
    for path in catalogues(root):
        _write(path, said)
        findings += [f"{path.relative_to(root)}: {one}" for one in findings_of(path, said)]
    return findings


def catalogues(root: Path) -> list[Path]:
    """Give the catalogue of each language that has one."""
    return sorted((root / "templates" / "locale").glob("*/LC_MESSAGES/django.po"))


def said_in(root: Path) -> Catalog:
    """Give all texts of templates and modules that can be translated."""
    said = Catalog()
    for path in sorted((root / "templates").rglob("*.html")):
        # Lines of a template begin anywhere, which lines of Python may not.
        lines = templatize(path.read_text(encoding="utf-8"), origin=str(path)).splitlines()
        _add(said, "\n".join(line.lstrip() for line in lines), path.relative_to(root))
    for package in _PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if "gettext" in (text := path.read_text(encoding="utf-8")):
                _add(said, text, path.relative_to(root))
    return said


def findings_of(path: Path, said: Catalog) -> list[str]:
    """Give what a catalogue lacks, has too much of, or says with other placeholders."""
    catalog = read(path)
    found = [f"missing: {one.id!r}" for one in _messages(said) if _in(catalog, one) is None]
    for message in _messages(catalog):
        if _in(said, message) is None:
            found.append(f"not said any more: {message.id!r}")
        elif message.fuzzy or not all(_texts(message.string)):
            found.append(f"not translated: {message.id!r}")
        elif wrong := _misplaced(message):
            found.append(f"other placeholders: {wrong!r}")
    return found


def read(path: Path) -> Catalog:
    """Give a catalogue as it is written."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name)


def is_compiled(path: Path) -> bool:
    """Say whether the compiled file beside a catalogue says the same."""
    compiled = path.with_suffix(".mo")
    if not compiled.exists():
        return False
    with compiled.open("rb") as file:
        # What a compiler writes beside the texts, such as its name and the date, is no matter.
        return _content(read_mo(file)) == _content(read_mo(io.BytesIO(_compile(read(path)))))


def _begin(root: Path, language: str) -> None:
    try:
        name = Locale.parse(language, sep="-").english_name
    except (UnknownLocaleError, ValueError) as error:
        raise StartRefused(f"{language[:20]!r} is not the code of a language.") from error
    path = root / "templates" / "locale" / language.replace("-", "_")
    path = path / "LC_MESSAGES" / "django.po"
    if path.exists():
        return
    path.parent.mkdir(parents=True)
    headers = (
        "Project-Id-Version: frontdesk",
        f"Language: {language}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=UTF-8",
        "Content-Transfer-Encoding: 8bit",
        f"Plural-Forms: {get_plural(language).plural_forms}",
    )
    lines = (f"# The customers' pages in {name}.", 'msgid ""', 'msgstr ""')
    path.write_text("\n".join([*lines, *(f'"{one}\\n"' for one in headers), ""]), encoding="utf-8")


def _write(path: Path, said: Catalog) -> None:
    catalog = read(path)
    # A guess at a translation would be shown to customers by somebody in a hurry.
    catalog.update(said, no_fuzzy_matching=True, update_creation_date=False)
    body = io.BytesIO()
    write_po(body, catalog, width=0, omit_header=True, ignore_obsolete=True, include_lineno=False)
    # The header stays as it is: what is written anew has no date in it, and no version.
    header = path.read_text(encoding="utf-8").partition("\n\n")[0].strip()
    path.write_text(f"{header}\n\n{body.getvalue().decode().strip()}\n", encoding="utf-8")
    if not is_compiled(path):
        path.with_suffix(".mo").write_bytes(_compile(read(path)))


def _add(said: Catalog, text: str, path: Path) -> None:
    source = io.BytesIO(text.encode())
    for line, id, _, context in extract("python", source, keywords=_KEYWORDS):
        said.add(id, locations=[(path.as_posix(), line)], context=context)


def _messages(catalog: Catalog) -> Iterator[Message]:
    """Give the messages without the header, which is one without an id."""
    return (one for one in catalog if one.id)


def _in(catalog: Catalog, message: Message) -> Message | None:
    """Give the same message of a catalogue: one with its plural, if it has one."""
    id = message.id if isinstance(message.id, str) else message.id[0]
    found = catalog.get(id, message.context)
    return found if found is not None and found.id == message.id else None


def _misplaced(message: Message) -> list[str]:
    wanted = [set(_PLACEHOLDER.findall(one)) for one in _texts(message.id)]
    return [one for one in _texts(message.string) if set(_PLACEHOLDER.findall(one)) not in wanted]


def _texts(text: str | Sequence[str] | None) -> Sequence[str]:
    return [text or ""] if text is None or isinstance(text, str) else [*text]


def _compile(catalog: Catalog) -> bytes:
    file = io.BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def _content(catalog: Catalog) -> tuple[str, dict[tuple[str | None, ...], Sequence[str]]]:
    texts = {(one.context, *_texts(one.id)): _texts(one.string) for one in _messages(catalog)}
    return catalog.plural_forms, texts
