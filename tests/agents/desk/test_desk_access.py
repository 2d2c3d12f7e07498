"""Who is let in to the desk: HTTP Basic on every request, the cookie that it sets, and tokens."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import hashers

from agents.errors import TooManyAttempts, Unauthenticated
from agents.models import DeskCookie, SecurityCounter, User
from agents.services import desk_access, desk_cookies, staff
from agents.services.desk_access import DeskCaller, prove
from agents.services.retention import forget_expired
from config.kernel import limits
from config.kernel.actors import Actor, Role
from tests.agents.desk.asking import COOKIE, Asker, basic, refusal
from tests.agents.desk.desk import make_agent
from tests.make import PASSWORD, make_api_client, make_user, token_for

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
HOUR = timedelta(hours=1)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the passwords that are hashed from now on, in an own memory of what was right."""
    passwords: list[str] = []

    def noted(password: str, encoded: str) -> bool:
        passwords.append(password)
        return hashers.check_password(password, encoded)

    monkeypatch.setattr(desk_access, "check_password", noted)
    monkeypatch.setattr(desk_access, "_memory", desk_access._Memory())
    return passwords


def proven(
    user: User, password: str = PASSWORD, *, cookie: str = "", address: str = HERE, now: datetime
) -> DeskCaller:
    return prove(basic(user.username, password), cookie, address=address, now=now)


def fail(user: User, times: int, *, address: str = HERE, now: datetime) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            proven(user, "wrong-password", address=address, now=now)


# --- Basic --------------------------------------------------------------------------------------


def test_a_password_gives_the_caller_as_the_rows_have_it(now: datetime) -> None:
    user = make_agent(roles=[Role.AGENT, Role.SUPERVISOR])

    caller = proven(user, now=now)

    assert (caller.user_id, caller.organization_id) == (user.pk, user.organization_id)
    assert caller.roles == {Role.AGENT, Role.SUPERVISOR}
    assert caller.features == set(user.organization.features if user.organization else ())
    assert (caller.is_operator, caller.must_change_password) == (False, False)
    assert caller.actor.origin == "contact-center"


@pytest.mark.parametrize("name", ["{}", " {} "])
def test_a_user_name_is_found_in_any_case(name: str, now: datetime) -> None:
    user = make_agent(username="ada@example.org")

    authorization = basic(name.format(user.username.upper()))

    assert prove(authorization, "", address=HERE, now=now).user_id == user.pk


def test_a_password_in_the_charset_of_older_clients_is_right(now: datetime) -> None:
    user = make_agent(password="Grüße aus Köln")
    sent = base64.b64encode(f"{user.username}:Grüße aus Köln".encode("latin-1")).decode()

    assert prove(f"Basic {sent}", "", address=HERE, now=now).user_id == user.pk


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Basic Og==",
        "Digest abc",
        "Bearer abc",
        "abc",
        "a b c",
        f"Basic {'A' * 10_000}",
    ],
)
def test_what_proves_nothing_is_refused(authorization: str, now: datetime) -> None:
    with pytest.raises(Unauthenticated):
        prove(authorization, "", address=HERE, now=now)


def test_a_password_is_hashed_once_and_remembered(hashed: list[str], now: datetime) -> None:
    user = make_agent()

    for _ in range(3):
        proven(user, now=now)

    assert hashed == [PASSWORD]


def test_a_remembered_password_costs_one_statement(
    django_assert_num_queries: DjangoAssertNumQueries, now: datetime
) -> None:
    user = make_agent()
    proven(user, now=now)

    with django_assert_num_queries(1):
        proven(user, now=now)


def test_a_wrong_password_is_never_remembered(hashed: list[str], now: datetime) -> None:
    user = make_agent()

    fail(user, 2, now=now)

    assert hashed == ["wrong-password", "wrong-password"]


def test_a_changed_password_takes_effect_at_once(now: datetime) -> None:
    user = make_agent()
    proven(user, now=now)

    user.set_password("another-good-password")
    user.save()

    with pytest.raises(Unauthenticated):
        proven(user, now=now)
    assert proven(user, "another-good-password", now=now).user_id == user.pk


def test_a_deactivated_user_is_out_at_once(now: datetime) -> None:
    user = make_agent()
    proven(user, now=now)

    staff.deactivate_user(user.pk, actor=Actor.system(None), now=now)

    with pytest.raises(Unauthenticated):
        proven(user, now=now)


def test_a_user_of_a_closed_organisation_is_out(now: datetime) -> None:
    user = make_agent()
    assert user.organization is not None
    user.organization.is_active = False
    user.organization.save()

    with pytest.raises(Unauthenticated):
        proven(user, now=now)


def test_ten_wrong_passwords_close_the_door_for_this_name_from_this_address(
    now: datetime,
) -> None:
    user, other = make_agent(), make_agent()
    fail(user, 10, now=now)

    with pytest.raises(TooManyAttempts):
        proven(user, now=now)

    assert proven(user, address=ELSEWHERE, now=now).user_id == user.pk
    assert proven(other, now=now).user_id == other.pk
    later = now + limits.LOGIN_WINDOW
    assert proven(user, now=later).user_id == user.pk


def test_a_name_that_nobody_has_is_slowed_alike(now: datetime) -> None:
    nobody = User(username="nobody@example.org")
    fail(nobody, 10, now=now)

    with pytest.raises(TooManyAttempts):
        proven(nobody, now=now)


def test_whoever_works_already_goes_on_while_somebody_guesses(now: datetime) -> None:
    user = make_agent()
    proven(user, now=now)
    fail(user, 10, now=now)

    assert proven(user, now=now).user_id == user.pk


def test_a_right_password_leaves_no_trace_in_the_counters(now: datetime) -> None:
    proven(make_agent(), now=now)

    assert set(SecurityCounter.objects.values_list("count", flat=True)) == {0}


def test_too_many_are_answered_429_with_statuscode_3() -> None:
    user = make_agent()
    wrong = Asker(authorization=basic(user.username, "wrong-password"))
    answers = [refusal(wrong.get("/me")) for _ in range(10)]

    last = wrong.get("/me")

    assert answers == [(401, 5)] * 10
    assert refusal(last) == (429, 3)
    assert 0 < int(last["Retry-After"]) <= 300


def test_credentials_that_are_wrong_are_told_nothing_more() -> None:
    user = make_agent()

    bad = Asker(authorization=basic(user.username, "wrong-password")).get("/skills")
    unknown = Asker(authorization=basic("nobody@example.org")).get("/skills")

    assert bad.json() == unknown.json()
    assert bad["WWW-Authenticate"] == 'Basic realm="Frontdesk", charset="UTF-8"'


# --- The cookie ---------------------------------------------------------------------------------


def test_the_first_reply_sets_a_cookie_that_stands_for_the_credentials() -> None:
    asker = Asker(make_agent())

    first = asker.get("/me").cookies[COOKIE]
    asker.authorization = ""
    second = asker.get("/me")

    assert (first["httponly"], first["samesite"], first["path"]) == (True, "Lax", "/")
    assert second.status_code == 200
    assert COOKIE not in second.cookies


def test_a_client_with_its_cookie_gets_no_other() -> None:
    asker = Asker(make_agent())
    asker.get("/me")

    assert COOKIE not in asker.get("/me").cookies


def test_a_client_that_keeps_no_cookies_leaves_no_rows(now: datetime) -> None:
    user = make_agent()

    cookies = {proven(user, now=now).cookie_to_set for _ in range(3)}

    assert len(cookies) == 3
    assert not DeskCookie.objects.exists()


def test_a_cookie_is_read_together_with_its_user(
    django_assert_num_queries: DjangoAssertNumQueries, now: datetime
) -> None:
    cookie = proven(make_agent(), now=now).cookie_to_set or ""
    prove("", cookie, address=HERE, now=now)

    with django_assert_num_queries(1):
        caller = prove("", cookie, address=HERE, now=now + timedelta(seconds=30))

    assert (caller.cookie, caller.cookie_to_set) == (cookie, None)
    assert caller.is_proven_by_cookie


def test_a_cookie_ends_when_nobody_uses_it(now: datetime) -> None:
    user = make_agent()
    used = proven(user, now=now).cookie_to_set or ""
    unused = proven(user, now=now).cookie_to_set or ""

    prove("", used, address=HERE, now=now + 0.9 * HOUR)

    assert prove("", used, address=HERE, now=now + 1.8 * HOUR).user_id == user.pk
    with pytest.raises(Unauthenticated):
        prove("", unused, address=HERE, now=now + HOUR)


def test_a_cookie_ends_after_a_day_however_often_it_is_used(now: datetime) -> None:
    cookie = proven(make_agent(), now=now).cookie_to_set or ""
    for hours in range(1, 48):
        prove("", cookie, address=HERE, now=now + hours * HOUR / 2)

    with pytest.raises(Unauthenticated):
        prove("", cookie, address=HERE, now=now + limits.DESK_COOKIE_LIFETIME)


@pytest.mark.parametrize("change", ["password", "deactivated"])
def test_a_cookie_ends_with_the_password_and_with_the_user(change: str, now: datetime) -> None:
    user = make_agent()
    cookie = proven(user, now=now).cookie_to_set or ""
    if change == "password":
        user.set_password("another-good-password")
    user.is_active = change != "deactivated"
    user.save()

    with pytest.raises(Unauthenticated):
        prove("", cookie, address=HERE, now=now)


def test_a_cookie_that_was_ended_stays_so_and_others_go_on(now: datetime) -> None:
    user = make_agent()
    ended = proven(user, now=now).cookie_to_set or ""
    other = proven(user, now=now).cookie_to_set or ""

    desk_cookies.end(ended, now=now)
    desk_cookies.note_use(desk_cookies.read(ended, now=now), seen_at=None, now=now)  # type: ignore[arg-type]  # it is ours

    with pytest.raises(Unauthenticated):
        prove("", ended, address=HERE, now=now)
    assert prove("", other, address=HERE, now=now).user_id == user.pk


def test_an_ended_cookie_is_forgotten_when_no_cookie_of_its_age_counts(now: datetime) -> None:
    cookie = proven(make_agent(), now=now).cookie_to_set or ""
    desk_cookies.end(cookie, now=now)

    forget_expired(now=now + limits.DESK_COOKIE_LIFETIME - timedelta(seconds=1))
    before = DeskCookie.objects.count()
    forget_expired(now=now + limits.DESK_COOKIE_LIFETIME)

    assert (before, DeskCookie.objects.count()) == (1, 0)


def test_an_ended_cookie_stays_ended_when_keys_are_rotated(
    settings: Settings, now: datetime
) -> None:
    user = make_agent()
    ended, other = (proven(user, now=now).cookie_to_set or "" for _ in range(2))
    desk_cookies.end(ended, now=now)

    settings.SECRET_KEYS = [
        "another-key-of-more-than-fifty-characters-0123456789",
        *settings.SECRET_KEYS,
    ]

    assert prove("", other, address=HERE, now=now).user_id == user.pk
    with pytest.raises(Unauthenticated):
        prove("", ended, address=HERE, now=now)


@pytest.mark.parametrize("spoil", ["{}x", "x{}", "{}.", "", "é{}"])
def test_a_cookie_that_we_did_not_sign_proves_nothing(spoil: str, now: datetime) -> None:
    cookie = proven(make_agent(), now=now).cookie_to_set or ""

    with pytest.raises(Unauthenticated):
        prove("", spoil.format(cookie), address=HERE, now=now)


def test_the_cookie_of_another_user_is_not_used_with_a_password(now: datetime) -> None:
    theirs = proven(make_agent(), now=now).cookie_to_set or ""
    user = make_agent()

    caller = proven(user, cookie=theirs, now=now)

    assert (caller.user_id, caller.cookie) == (user.pk, None)
    assert caller.cookie_to_set is not None


def test_a_wrong_header_is_not_made_good_by_a_cookie() -> None:
    asker = Asker(make_agent())
    asker.get("/me")

    asker.authorization = "Bearer nothing"

    assert refusal(asker.get("/me")) == (401, 5)


# --- Tokens -------------------------------------------------------------------------------------


def test_a_token_proves_its_user_and_is_given_no_cookie(now: datetime) -> None:
    user = make_agent(roles=[Role.AGENT])

    caller = prove(f"Bearer {token_for(user)}", "", address=HERE, now=now)

    assert (caller.user_id, caller.roles) == (user.pk, frozenset({Role.AGENT}))
    assert (caller.cookie, caller.cookie_to_set) == (None, None)
    assert caller.features


def test_a_token_of_a_program_is_no_user(now: datetime) -> None:
    client, _ = make_api_client()

    with pytest.raises(Unauthenticated):
        prove(f"Bearer {token_for(client)}", "", address=HERE, now=now)


def test_an_operator_gets_in_and_belongs_nowhere(now: datetime) -> None:
    operator = User.objects.create_superuser("root@example.org", PASSWORD)

    caller = proven(operator, now=now)

    assert (caller.is_operator, caller.organization_id, caller.roles) == (True, None, frozenset())


# --- CSRF, where it is on -----------------------------------------------------------------------


def test_with_csrf_protection_a_cookie_alone_changes_nothing(settings: Settings) -> None:
    settings.AGENTS_DESK_CSRF = True
    asker = Asker(make_user(make_agent().organization, [Role.ADMIN]))
    first = asker.get("/me")
    asker.authorization = ""
    header, token = first["X-CSRF-HEADER"], first["X-CSRF-TOKEN"]

    without = asker.post("/skills", {"name": "Loans"})
    wrong = asker.send("POST", "/skills", json={"name": "Loans"}, headers={header: "0" * 64})
    right = asker.send("POST", "/skills", json={"name": "Loans"}, headers={header: token})

    assert [refusal(without), refusal(wrong)] == [(403, 3), (403, 3)]
    assert right.status_code == 200


def test_with_csrf_protection_credentials_need_no_header(settings: Settings) -> None:
    settings.AGENTS_DESK_CSRF = True
    asker = Asker(make_user(make_agent().organization, [Role.ADMIN]))

    assert asker.post("/skills", {"name": "Loans"}).status_code == 200


def test_without_csrf_protection_nothing_is_said_of_it() -> None:
    assert "X-CSRF-TOKEN" not in Asker(make_agent()).get("/me")
