"""The catalogues of texts: each says everything that the pages say, and is compiled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from babel.messages import Catalog
from django.conf import settings
from django.test import Client
from django.utils.translation import override

from agents.models import Application
from agents.services import codes
from appointments.forms_booking import wait_in_words
from config.local.environment import ROOT
from config.local.messages import catalogues, findings_of, is_compiled, read, said_in
from notifications import builtin
from tests import make
from tests.appointments import entries
from tests.appointments.online import Browser, text_of
from tests.appointments.visiting import path_of

CATALOGUES = [pytest.param(path, id=path.parent.parent.name) for path in catalogues(ROOT)]
# A Wednesday, and summer in Athens: three hours ahead of UTC.
NOON = datetime(2026, 6, 10, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def said() -> Catalog:
    return said_in(ROOT)


@pytest.fixture
def application() -> Application:
    """Give an application in Athens with one agent who can be booked online."""
    application = make.make_application(
        make.make_organization("Northwind Care"), default_timezone="Europe/Athens"
    )
    make.make_user(application.organization, first_name="Grace", last_name="Hopper")
    return application


# --- Catalogues -----------------------------------------------------------------------------


def test_each_language_has_a_catalogue_and_words_of_messages() -> None:
    languages = {code for code, _ in settings.LANGUAGES}

    assert languages == {"en", *(path.parent.parent.name for path in catalogues(ROOT))}
    assert languages == set(builtin.LANGUAGES)
    assert {codes.words_for("1", name="", locale=one)[0] for one in languages} == {
        "Your one-time password",
        "Ihr Einmalkennwort",
        "Ο κωδικός μίας χρήσης",
    }


@pytest.mark.parametrize("path", CATALOGUES)
def test_catalogue_says_all_that_the_pages_say_and_nothing_else(path: Path, said: Catalog) -> None:
    assert len(said) > 100
    assert findings_of(path, said) == [], "`make messages` puts in what is missing"


@pytest.mark.parametrize("path", CATALOGUES)
def test_catalogue_is_compiled(path: Path) -> None:
    assert is_compiled(path), "`make messages` compiles it"


@pytest.mark.parametrize("path", CATALOGUES)
def test_catalogue_has_as_many_plural_forms_as_its_language(path: Path) -> None:
    catalog = read(path)

    assert catalog.num_plurals == Catalog(locale=path.parent.parent.name).num_plurals
    forms = [one.string for one in catalog if one.pluralizable]
    assert {len(one) for one in forms if one} == {catalog.num_plurals}


# --- Greek, on the pages --------------------------------------------------------------------


@pytest.mark.django_db
@time_machine.travel(NOON, tick=False)
def test_the_page_of_a_greek_customer_is_in_greek(client: Client, application: Application) -> None:
    nine = datetime(2026, 6, 11, 9, tzinfo=ZoneInfo("Europe/Athens"))
    booked = make.make_appointment(application, start=nine, locale="el-GR", zone="Europe/Athens")

    page = text_of(client.get(path_of(booked)))

    assert '<html lang="el">' in page
    assert "Το ραντεβού σας" in page
    assert "Πέμπτη 11 Ιουνίου 2026" in page
    assert "9:00\u202fπ.μ. – 9:30\u202fπ.μ." in page
    assert "Θερινή ώρα Ανατολικής Ευρώπης" in page
    assert "Η αίθουσα ανοίγει στις 8:45\u202fπ.μ., Πέμπτη 11 Ιουνίου 2026." in page
    assert "Ακύρωση του ραντεβού" in page


@pytest.mark.django_db
@time_machine.travel(NOON, tick=False)
def test_booking_is_in_greek_for_a_greek_browser(application: Application) -> None:
    subject = entries.make_subject(
        application.organization,
        name={"en": "Mortgages", "el": "Στεγαστικά δάνεια"},
        duration=timedelta(minutes=45),
    )
    browser = Browser(application, subject, headers={"Accept-Language": "el-GR,en;q=0.5"})

    page = text_of(browser.read())

    assert '<html lang="el">' in page
    assert "Στεγαστικά δάνεια" in page
    assert "Βήμα 1 από 3: η ώρα" in page
    assert "Τετάρτη 10 Ιουνίου" in page


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [("de", "in 1 Minute wieder", "in 2 Minuten"), ("el", "σε 1 λεπτό.", "σε 2 λεπτά.")],
)
def test_numbers_have_their_forms(language: str, one: str, many: str) -> None:
    with override(language):
        assert one in wait_in_words(60)
        assert many in wait_in_words(120)
