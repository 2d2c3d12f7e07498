"""The catalogue in the back office: what is shown to whom."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries

from agents.models import Application, User
from appointments.services.forms import QuestionData
from config.kernel.actors import Role
from tests import make
from tests.appointments import entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    """Give the default application of an organisation in Berlin."""
    return make.make_application(
        make.make_organization("Northwind Care"), name="Online", default_timezone="Europe/Berlin"
    )


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR], first_name="Amara")


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization, first_name="Ben", last_name="Larsen")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(user: User, path: str) -> str:
    return signed_in(user).get(path).content.decode()


def test_the_catalogue_shows_what_there_is(application: Application, supervisor: User) -> None:
    organization = application.organization
    group = entries.make_group(organization, name={"en": "Loans"})
    entries.make_subject(organization, group=group, needs_acceptance=True)
    entries.make_office(organization, is_active=False)
    entries.make_listing(organization, name={"de": "Ein Haus"})
    entries.make_lead_segment(organization, code="WARM")
    entries.make_form(organization, QuestionData(label={"en": "Why?"}), name="Before")

    page = read(supervisor, "/catalogue/")

    for text in ("Loans", "30 minutes · has to be accepted", "Off", "Ein Haus", "WARM", "Before"):
        assert text in page
    assert "1 question<" in page


def test_the_catalogue_says_what_is_not_there(supervisor: User) -> None:
    page = read(supervisor, "/catalogue/")

    for text in ("no subject yet", "no office yet", "no listings", "no lead segments", "no forms"):
        assert text in page


def test_the_catalogue_of_another_organisation_stays_there(application: Application) -> None:
    entries.make_subject(application.organization, name={"en": "Secret subject"})
    stranger = make.make_user(make.make_organization(), [Role.SUPERVISOR])

    assert "Secret subject" not in read(stranger, "/catalogue/")


def test_only_administrators_are_led_to_adding(application: Application, supervisor: User) -> None:
    administrator = make.make_user(application.organization, [Role.ADMIN])

    assert "Add an office" in read(administrator, "/catalogue/")
    assert "Add an office" not in read(supervisor, "/catalogue/")


def test_the_catalogue_is_not_for_agents(agent: User) -> None:
    assert signed_in(agent).get("/catalogue/").status_code == 403
    assert "/catalogue/" not in read(agent, "/requests/")


def test_the_catalogue_takes_as_many_queries_with_three_entries_as_with_one(
    application: Application, supervisor: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser = signed_in(supervisor)

    def fill() -> None:
        entries.make_subject(application.organization)
        entries.make_office(application.organization)
        entries.make_listing(application.organization)
        entries.make_lead_segment(application.organization)
        entries.make_form(application.organization)

    fill()
    # Session, user, organisation, groups and subjects, one for each of the other four, and
    # the applications.
    with django_assert_num_queries(10):
        browser.get("/catalogue/")
    fill()
    fill()

    with django_assert_num_queries(10):
        browser.get("/catalogue/")
