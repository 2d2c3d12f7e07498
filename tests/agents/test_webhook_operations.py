"""Webhook subscriptions over HTTP: made and read."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from agents.api.webhooks.schema import OPERATIONS
from agents.models import Application, IdempotentRequest, User
from agents.services.demo import PLANS
from config.kernel import limits
from config.kernel.actors import Role
from config.kernel.time import format_instant
from notifications.models import (
    NotificationType,
    SigningSecret,
    Subscription,
)
from notifications.webhook_rules import TYPES
from tests import make
from tests.agents.subscribing import BASIC, BODY, OAUTH2, PATH, UNKNOWN, body, created, refused
from tests.contract.client import UNSET, ApiClient
from tests.contract.state import everything
from tests.kernel.receivers import NO_WEB_ADDRESSES, OWN_NAMES, REFUSED
from tests.notifications.hooks import make_hook

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings


pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


@pytest.fixture
def client(supervisor: User) -> ApiClient:
    return ApiClient(make.token_for(supervisor))


@pytest.fixture
def private(settings: Settings) -> None:
    """Let requests go to receivers on this machine."""
    settings.WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = True


# --- POST / -----------------------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.create.r1", "frontdesk.webhooks.create.r10")
def test_a_new_subscription_is_shown_whole_with_its_secret(
    client: ApiClient, application: Application, supervisor: User
) -> None:
    answer = client.post(PATH, body(application))

    made = Subscription.objects.get()
    secret = answer.json()["secret"]
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(made.id),
        "applicationId": str(application.id),
        "url": "https://hooks.example.org/frontdesk",
        "format": "appointment-event",
        "eventTypes": [],
        "headers": {},
        "secretHeaders": [],
        "authentication": {"type": "NONE"},
        "contact": supervisor.username,
        "active": True,
        "state": "ACTIVE",
        "lastSequence": 0,
        "createdAt": format_instant(made.created_at),
        "secret": secret,
    }
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32


@pytest.mark.rule("frontdesk.webhooks.create.r10")
def test_a_contact_of_ones_own_is_kept_and_must_be_an_address(
    client: ApiClient, application: Application
) -> None:
    made = created(client, application, contact="hooks@example.org")
    wrong = client.post(PATH, body(application, contact="nobody"))

    assert made["contact"] == "hooks@example.org"
    refused(wrong, "contact")


def test_a_program_with_the_role_has_no_address_of_its_own(application: Application) -> None:
    program, _ = make.make_api_client(application.organization, [Role.ADMIN])

    made = created(ApiClient(make.token_for(program)), application)

    assert "contact" not in made


@pytest.mark.rule("frontdesk.webhooks.create.r2")
@pytest.mark.parametrize("member", ["applicationId", "url", "format"])
@pytest.mark.parametrize("value", [..., None, 7, ""])
def test_application_url_and_format_are_needed(
    client: ApiClient, application: Application, member: str, value: object
) -> None:
    sent = body(application, **{member: value})
    if value is ...:
        del sent[member]
    before = everything()

    answer = client.post(PATH, sent)

    refused(answer, member)
    assert everything() == before


@pytest.mark.rule("frontdesk.webhooks.create.r3")
@pytest.mark.parametrize(
    "url",
    [
        *(url for url in NO_WEB_ADDRESSES if url and "\0" not in url),
        *(f"https://{host}/" for host in OWN_NAMES),
        *(f"https://[{host}]/" if ":" in host else f"https://{host}/" for host in REFUSED if host),
        "http://hooks.example.org/",
        "https://hooks.example.org:8443/",
        "https://hooks.example.org/#part",
        "https://somebody@hooks.example.org/",
        "https://hooks.example.org/" + "a" * 2_000,
        "https://intranet/",
        "https://metadata.google.internal/",
        "https://printer.local./",
    ],
)
def test_only_public_addresses_are_taken(
    client: ApiClient, application: Application, url: str
) -> None:
    refused(client.post(PATH, body(application, url=url)), "url")


@pytest.mark.rule("frontdesk.webhooks.create.r4")
@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/hook", "https://intranet:8443/"])
def test_any_address_is_taken_where_the_settings_say_so(
    client: ApiClient, application: Application, private: None, url: str
) -> None:
    assert created(client, application, url=url)["url"] == url


@pytest.mark.rule("frontdesk.webhooks.create.r3")
def test_a_host_that_the_operator_lists_for_itself_is_not_taken_from_a_tenant(
    client: ApiClient, application: Application, settings: Settings
) -> None:
    settings.OUTGOING_ALLOWED_HOSTS = ["intranet"]

    answer = client.post(PATH, body(application, url="https://intranet/"))

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["url"])


@pytest.mark.rule("frontdesk.webhooks.create.r5")
def test_the_types_that_are_wanted_are_kept_in_our_order(
    client: ApiClient, application: Application
) -> None:
    some = created(client, application, eventTypes=["CANCELLED", "CREATE", "CREATE"])
    every = created(client, application, eventTypes=[str(type_) for type_ in TYPES])

    assert some["eventTypes"] == ["CREATE", "CANCELLED"]
    assert len(every["eventTypes"]) == len(NotificationType) - 2


@pytest.mark.rule("frontdesk.webhooks.create.r5")
@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"eventTypes": ["CREATE", "SOMETHING"]}, "eventTypes.1"),
        ({"eventTypes": ["ROOM"]}, "eventTypes.0"),
        ({"eventTypes": ["CREATE", "FOLLOW_UP"]}, "eventTypes.1"),
        ({"eventTypes": "CREATE"}, "eventTypes"),
        ({"format": "something"}, "format"),
    ],
)
def test_types_and_formats_that_there_are_not_are_refused(
    client: ApiClient, application: Application, members: dict[str, Any], wrong: str
) -> None:
    refused(client.post(PATH, body(application, **members)), wrong)


@pytest.mark.rule("frontdesk.webhooks.create.r6")
@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"headers": {"Host": "other.example.org"}}, "headers.Host"),
        ({"headers": {"X Y": "1"}}, "headers.X Y"),
        ({"headers": {"X-Y": "1\r\nX-Z: 2"}}, "headers.X-Y"),
        ({"secretHeaders": {"Webhook-Id": "1"}}, "secretHeaders.Webhook-Id"),
        ({"headers": {"X-Signature": "1"}}, "headers.X-Signature"),
        ({"headers": {"content-type": "text/plain"}}, "headers.content-type"),
        ({"headers": {"User-Agent": "me"}}, "headers.User-Agent"),
        ({"headers": {"X-A": "1"}, "secretHeaders": {"x-a": "2"}}, "secretHeaders.x-a"),
        ({"headers": {"X-A": "y" * 1_001}}, "headers.X-A"),
        ({"headers": {f"X-{number}": "y" for number in range(21)}}, "headers"),
        (
            {
                "headers": {f"X-{number}": "y" for number in range(20)},
                "secretHeaders": {"X-20": "y"},
            },
            "headers",
        ),
        ({"headers": {"X-A": 1}}, "headers"),
        (
            {"secretHeaders": {"Authorization": "Bearer x"}, "authentication": BASIC},
            "secretHeaders.Authorization",
        ),
    ],
)
def test_headers_that_cannot_go_along_are_refused_by_name(
    client: ApiClient, application: Application, members: dict[str, Any], wrong: str
) -> None:
    refused(client.post(PATH, body(application, **members)), wrong)


@pytest.mark.rule("frontdesk.webhooks.create.r6")
def test_without_an_authentication_the_header_is_the_applications_own(
    client: ApiClient, application: Application
) -> None:
    made = created(client, application, secretHeaders={"Authorization": "Bearer x"})

    assert made["secretHeaders"] == ["Authorization"]


@pytest.mark.rule("frontdesk.webhooks.create.r7", "frontdesk.webhooks.r4")
@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (BASIC, {"type": "BASIC", "username": "frontdesk"}),
        (OAUTH2, {name: value for name, value in OAUTH2.items() if name != "clientSecret"}),
    ],
)
def test_credentials_are_kept_sealed_and_never_shown(
    client: ApiClient, application: Application, sent: dict[str, str], shown: dict[str, str]
) -> None:
    hidden = {"X-Key": "open sesame"}

    made = created(client, application, authentication=sent, secretHeaders=hidden)

    read, listed = client.get(PATH + made["id"]), client.get(PATH)
    assert (read.json()["authentication"], read.json()["secretHeaders"]) == (shown, ["X-Key"])
    for answer in (read, listed, client.put(PATH + made["id"], {"name": "New"})):
        assert "sesame" not in answer.content.decode()
        assert "whsec_" not in answer.content.decode()
    row = Subscription.objects.values().get()
    assert "sesame" not in str(row)
    assert made["secret"] not in str(SigningSecret.objects.values().get())


@pytest.mark.rule("frontdesk.webhooks.create.r7")
@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"type": "BASIC", "username": "me"}, ["authentication.password"]),
        ({"type": "BASIC"}, ["authentication.password", "authentication.username"]),
        ({**BASIC, "username": "a:b"}, ["authentication.username"]),
        ({**OAUTH2, "clientSecret": ""}, ["authentication.clientSecret"]),
        ({**OAUTH2, "tokenUrl": "https://127.0.0.1/"}, ["authentication.tokenUrl"]),
        ({"type": "DIGEST"}, ["authentication.type"]),
        ({}, ["authentication.type"]),
        ("BASIC", ["authentication"]),
    ],
)
def test_an_authentication_that_is_not_complete_is_refused(
    client: ApiClient, application: Application, sent: object, wrong: list[str]
) -> None:
    refused(client.post(PATH, body(application, authentication=sent)), *wrong)


@pytest.mark.rule("frontdesk.webhooks.create.r8")
@pytest.mark.parametrize("unknown", [UNKNOWN, "none", "foreign"])
def test_an_application_of_nobody_or_somebody_else_is_not_found(
    client: ApiClient, unknown: str
) -> None:
    application_id = str(make.make_application().id) if unknown == "foreign" else unknown
    before = everything()

    answer = client.post(PATH, {**BODY, "applicationId": application_id})

    assert answer.status_code == 404
    assert answer.json()["code"] == "APPLICATION_NOT_FOUND"
    assert everything() == before


@pytest.mark.rule("frontdesk.webhooks.create.r9")
def test_an_application_has_a_limited_number_of_them(
    client: ApiClient, application: Application
) -> None:
    second = make.make_application(application.organization)
    for _ in range(limits.SUBSCRIPTIONS_PER_APPLICATION):
        make.make_subscription(application)

    answer = client.post(PATH, body(application))

    assert answer.status_code == 409
    assert answer.json()["code"] == "TOO_MANY_SUBSCRIPTIONS"
    assert created(client, second)


@pytest.mark.rule("frontdesk.webhooks.create.r11")
def test_a_repetition_makes_one_and_its_secret_is_kept_sealed(
    client: ApiClient, application: Application
) -> None:
    key = {"Idempotency-Key": "one"}

    first = client.post(PATH, body(application), headers=key)
    second = client.post(PATH, body(application), headers=key)

    assert second.json() == first.json()
    assert Subscription.objects.count() == 1
    kept = IdempotentRequest.objects.get().answer
    assert kept is not None
    assert first.json()["secret"].encode() not in bytes(kept)


# --- GET / and GET /{id} ----------------------------------------------------------------------


@pytest.mark.rule("frontdesk.webhooks.list.r1", "frontdesk.webhooks.list.r2")
def test_the_list_holds_ours_by_age_or_those_of_one_application(
    client: ApiClient, application: Application
) -> None:
    second = make.make_application(application.organization)
    first, other = make.make_subscription(application), make.make_subscription(second)
    make.make_subscription(make.make_application())

    every = client.get(PATH).json()
    one = client.get(PATH, applicationId=str(second.id)).json()
    newest = client.get(PATH, pageSize=1, sortOrder="desc").json()

    assert [each["id"] for each in every["content"]] == [str(first.id), str(other.id)]
    assert every["content"][0] == client.get(f"{PATH}{first.id}").json()
    assert [each["id"] for each in one["content"]] == [str(other.id)]
    assert {name: value for name, value in newest.items() if name != "content"} == {
        "pageCount": 2,
        "pageNumber": 1,
        "pageSize": 1,
        "sortField": "createdAt",
        "sortOrder": "desc",
        "total": 2,
    }
    assert [each["id"] for each in newest["content"]] == [str(other.id)]


@pytest.mark.rule("frontdesk.webhooks.list.r2")
@pytest.mark.parametrize("unknown", [UNKNOWN, "none"])
def test_the_list_of_an_unknown_application_is_not_found(client: ApiClient, unknown: str) -> None:
    assert client.get(PATH, applicationId=unknown).status_code == 404


@pytest.mark.rule("frontdesk.webhooks.list.r3")
@pytest.mark.parametrize(
    ("name", "value"),
    [("pageSize", "0"), ("pageNumber", "x"), ("sortField", "secret"), ("sortOrder", "up")],
)
def test_a_page_that_makes_no_sense_is_refused(client: ApiClient, name: str, value: str) -> None:
    refused(client.send("GET", PATH, query={name: value}), name)


def test_a_page_takes_as_many_queries_with_three_rows_as_with_one(
    client: ApiClient,
    application: Application,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make.make_subscription(application)
    client.get(PATH)
    with django_assert_num_queries(3):
        client.get(PATH)
    make.make_subscription(application)
    make.make_subscription(application)

    with django_assert_num_queries(3):
        assert client.get(PATH).json()["total"] == 3


@pytest.mark.rule("frontdesk.webhooks.get.r2")
@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ([], {"state": "ACTIVE"}),
        (["failing_since"], {"state": "FAILING", "failingSince": "2027-03-28T10:00:00Z"}),
        (
            ["failing_since", "paused_at"],
            {
                "state": "PAUSED",
                "failingSince": "2027-03-28T10:00:00Z",
                "pausedAt": "2027-03-28T10:00:00Z",
            },
        ),
        (["ended"], {"state": "ENDED", "active": False, "endedReason": "Gone."}),
    ],
)
def test_a_subscription_says_how_it_is_doing(
    client: ApiClient, application: Application, facts: list[str], shown: dict[str, Any]
) -> None:
    moment = datetime.fromisoformat("2027-03-28T10:00:00Z")
    ended = {"is_active": False, "ended_reason": "Gone."} if "ended" in facts else {}
    moments = {name: moment for name in facts if name != "ended"}
    made = make.make_subscription(application, **ended, **moments)

    read = client.get(f"{PATH}{made.id}").json()

    told = ("state", "failingSince", "pausedAt", "endedReason", "active")
    assert {name: read[name] for name in told if name in read} == {"active": True, **shown}


@pytest.mark.rule("frontdesk.webhooks.get.r1")
def test_what_was_said_is_read_again(client: ApiClient, application: Application) -> None:
    made = created(client, application, name="The CRM", headers={"X-Source": "frontdesk"})

    read = client.get(PATH + made["id"])

    del made["secret"]
    assert read.json() == made
    assert (made["name"], made["headers"]) == ("The CRM", {"X-Source": "frontdesk"})


@pytest.mark.rule("frontdesk.webhooks.r3")
@pytest.mark.parametrize("wrong", ["foreign", UNKNOWN, "none", "%00", "x" * 500])
@pytest.mark.parametrize(
    ("method", "path", "json"),
    [
        ("GET", "", UNSET),
        ("PUT", "", {"name": "Mine"}),
        ("DELETE", "", UNSET),
        ("POST", "/secret", UNSET),
        ("POST", "/test", UNSET),
        ("GET", "/events", UNSET),
        ("POST", "/replay", {"from_sequence": 1}),
    ],
)
def test_what_is_not_ours_is_not_there(
    client: ApiClient, method: str, path: str, json: object, wrong: str
) -> None:
    foreign = make_hook(make.make_application())
    id = str(foreign.id) if wrong == "foreign" else wrong
    before = everything()

    answer = client.send(method, f"{PATH}{id}{path}", json=json)

    assert answer.status_code == 404
    assert everything() == before


# --- The example of the description -----------------------------------------------------------


def test_the_example_is_taken_for_the_demonstration() -> None:
    [example] = OPERATIONS["frontdesk.webhooks.create"].examples
    demo = make.make_application(id=PLANS[0].id("application"))
    admin = make.make_user(demo.organization, [Role.ADMIN])

    answer = ApiClient(make.token_for(admin)).post(PATH, example.value)

    assert answer.status_code == 201
