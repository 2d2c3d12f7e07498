"""`make messages`: new texts get into the catalogues, old ones out, and all is compiled."""

from __future__ import annotations

import gettext
from pathlib import Path

import pytest

from config.local.messages import catalogues, findings_of, is_compiled, said_in, update
from config.local.refusals import StartRefused

PAGE = """{% load i18n %}
  <h1>{% translate "Your appointment" %}</h1>
    {% if late %}{% translate "Time" context "on a clock" as word %}{% endif %}
  <p title="{{ title|default:_("Room") }}">{% blocktranslate trimmed with name=one.name %}
      With <b>{{ name }}</b>
  {% endblocktranslate %}</p>
{% blocktranslate count n=count %}{{ n }} day{% plural %}{{ n }} days{% endblocktranslate %}
"""
MODULE = """from django.utils.translation import gettext_lazy, npgettext

LABEL = gettext_lazy("First "
    "name")
def told(n: int) -> str:
    return npgettext("of a room", "{n} seat", "{n} seats", n)
"""
SAID = {
    (None, "Your appointment"),
    ("on a clock", "Time"),
    (None, "Room"),
    (None, "With <b>%(name)s</b>"),
    (None, ("%(n)s day", "%(n)s days")),
    (None, "First name"),
    ("of a room", ("{n} seat", "{n} seats")),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a project with one page, one module and no catalogue."""
    for name, text in (("templates/page.html", PAGE), ("agents/forms.py", MODULE)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def greek(root: Path) -> Path:
    """Give its Greek catalogue, in which one text is translated."""
    update(root, ["el"])
    [path] = catalogues(root)
    translate(path, "Your appointment", "Το ραντεβού σας")
    return path


def translate(path: Path, id: str, text: str) -> None:
    """Write a translation as a translator does: into the file."""
    before = path.read_text(encoding="utf-8")
    start = before.index(f'msgid "{id}"\nmsgstr "')
    end = before.index("\n\n", start)
    after = f'{before[:start]}msgid "{id}"\nmsgstr "{text}"{before[end:]}'
    path.write_text(after, encoding="utf-8")


def findings(root: Path, path: Path, about: str) -> list[str]:
    return [one for one in findings_of(path, said_in(root)) if about in one]


def test_texts_of_templates_and_modules_are_found(root: Path) -> None:
    assert {(one.context, one.id) for one in said_in(root) if one.id} == SAID


def test_a_language_begins_with_everything_to_be_translated(root: Path) -> None:
    remaining = update(root, ["el"])

    [path] = catalogues(root)
    text = path.read_text(encoding="utf-8")
    assert path == root / "templates/locale/el/LC_MESSAGES/django.po"
    assert len(remaining) == len(SAID)
    assert text.startswith("# The customers' pages in Greek.\n")
    assert '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"' in text
    assert '#: agents/forms.py\nmsgid "First name"\nmsgstr ""\n' in text


def test_what_is_translated_is_kept_and_compiled(root: Path, greek: Path) -> None:
    assert not is_compiled(greek)

    update(root, ["el"])

    assert is_compiled(greek)
    with greek.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("Your appointment") == "Το ραντεβού σας"


def test_a_second_time_changes_nothing(root: Path, greek: Path) -> None:
    update(root)
    before = (greek.read_bytes(), greek.with_suffix(".mo").read_bytes())

    update(root)

    assert (greek.read_bytes(), greek.with_suffix(".mo").read_bytes()) == before


def test_a_new_text_is_missing_until_the_catalogues_are_written(root: Path, greek: Path) -> None:
    page = root / "templates" / "page.html"
    page.write_text(PAGE.replace("Your appointment", "Your appointments"), encoding="utf-8")

    assert findings(root, greek, "missing") == ["missing: 'Your appointments'"]
    assert findings(root, greek, "any more") == ["not said any more: 'Your appointment'"]

    update(root)

    # Nothing is guessed from the one that was there.
    assert findings(root, greek, "Your") == ["not translated: 'Your appointments'"]


def test_a_guess_is_no_translation(root: Path, greek: Path) -> None:
    text = greek.read_text(encoding="utf-8")
    guessed = text.replace('msgid "Your', '#, fuzzy\nmsgid "Your')
    greek.write_text(guessed, encoding="utf-8")

    assert findings(root, greek, "Your") == ["not translated: 'Your appointment'"]


@pytest.mark.parametrize("text", ["Με %(onoma)s", "Με <b>%(name)s</i>", "Με <b>{name}</b>"])
def test_placeholders_and_marks_have_to_be_the_same(root: Path, greek: Path, text: str) -> None:
    translate(greek, "With <b>%(name)s</b>", text)

    assert findings(root, greek, "Με") == [f"other placeholders: [{text!r}]"]


def test_a_single_one_has_the_placeholders_of_the_single_one(root: Path, greek: Path) -> None:
    text = greek.read_text(encoding="utf-8")
    ids = 'msgid "%(n)s day"\nmsgid_plural "%(n)s days"\n'
    given = text.replace(
        f'{ids}msgstr[0] ""\nmsgstr[1] ""', f'{ids}msgstr[0] "μία"\nmsgstr[1] "%(n)s"'
    )
    greek.write_text(given, encoding="utf-8")

    assert findings(root, greek, "μία") == ["other placeholders: ['μία']"]


@pytest.mark.parametrize("language", ["qq", "../de", "", "x" * 300])
def test_a_language_that_does_not_exist_is_refused(root: Path, language: str) -> None:
    with pytest.raises(StartRefused, match="is not the code of a language"):
        update(root, [language])

    assert catalogues(root) == []
