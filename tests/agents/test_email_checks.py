"""The checks of an application's e-mail service: codes mailed through it, and test mails."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from agents.errors import CheckCodeWrong, CodeRefused, NoCheckCode
from agents.models import ApplicationKind, OneTimeCode
from agents.services import codes, email_checks
from config.kernel.actors import Role
from config.kernel.time import parse_zone
from notifications.models import ChannelSettings
from notifications.services.provider_accounts import choose_provider
from tests import make
from tests.contract.client import ApiClient
from tests.contract.state import everything

if TYPE_CHECKING:
    from datetime import datetime

    from agents.models import Application, User
    from tests.mailbox import Mailbox

pytestmark = pytest.mark.django_db

PATH = "/api/notifications/emails"
ADA = "ada@example.org"
UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"


@pytest.fixture
def application(db: None) -> Application:
    application = make.make_application(name="Loans desk", default_timezone="Europe/Berlin")
    make.make_channel(application, sender="Northwind <desk@northwind.example>")
    return application


@pytest.fixture
def admin(application: Application) -> User:
    return make.make_user(application.organization, roles=[Role.ADMIN])


@pytest.fixture
def client(admin: User) -> ApiClient:
    return ApiClient(make.token_for(admin))


def verify(client: ApiClient, application: Application, **members: Any) -> Any:
    body = {"applicationId": str(application.id), "toEmail": ADA, **members}
    return client.post(f"{PATH}/verify", {k: v for k, v in body.items() if v is not None})


def confirm(client: ApiClient, application: Application, code: str) -> Any:
    return client.post(f"{PATH}/confirm", {"applicationId": str(application.id), "code": code})


def try_out(client: ApiClient, application: Application, **members: Any) -> Any:
    body = {
        "applicationId": str(application.id),
        "toEmail": ADA,
        "subject": "Reminder",
        "textBody": "See you.",
        **members,
    }
    return client.post(f"{PATH}/test", {k: v for k, v in body.items() if v is not None})


def code_in(mailbox: Mailbox) -> str:
    [code] = re.findall(r"\b\d{6}\b", mailbox.to(ADA)[-1].get_content())
    return str(code)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


def is_verified(application: Application) -> bool:
    return ChannelSettings.objects.get(application=application).verified_at is not None


def text_of(mailbox: Mailbox, kind: str = "plain") -> str:
    part = mailbox.messages[-1].get_body((kind,))
    assert part is not None
    return str(part.get_content())


# --- Verify -----------------------------------------------------------------------------------


@pytest.mark.rule("v1.notifications.emails.verify.r4", "v1.notifications.emails.verify.r5")
def test_a_code_goes_out_by_the_service_and_stands_in_no_answer(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    answer = verify(client, application)

    assert (answer.status_code, answer.content) == (204, b"")
    [delivery] = mailbox.deliveries
    assert (delivery.sender, delivery.recipients) == ("desk@northwind.example", (ADA,))
    assert len(code_in(mailbox)) == 6
    assert not is_verified(application)


@pytest.mark.rule("v1.notifications.emails.verify.r3")
@pytest.mark.parametrize(
    "members",
    [{"toEmail": None}, {"applicationId": None}, {"toEmail": "ada"}, {"toEmail": 5}],
    ids=str,
)
def test_a_code_needs_an_application_and_an_address(
    client: ApiClient, application: Application, mailbox: Mailbox, members: dict[str, Any]
) -> None:
    before = everything()

    answer = verify(client, application, **members)

    assert answer.status_code == 400
    assert (everything(), mailbox.messages) == (before, [])


@pytest.mark.rule("v1.notifications.emails.verify.r8")
@pytest.mark.parametrize("has_row", [True, False])
def test_without_a_service_no_code_is_given_out(
    client: ApiClient, application: Application, mailbox: Mailbox, has_row: bool
) -> None:
    ours = ChannelSettings.objects.filter(application=application)
    ours.update(is_on=False) if has_row else ours.delete()
    before = everything()

    answer = verify(client, application)

    assert answer.status_code == 404
    assert (everything(), mailbox.messages) == (before, [])


def test_a_service_that_does_not_work_is_answered_404_and_the_code_is_withdrawn(
    client: ApiClient, application: Application
) -> None:
    assert verify(client, application).status_code == 404
    assert not OneTimeCode.objects.exists()


def test_an_address_that_the_server_refuses_is_named(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    mailbox.refused = {ADA: "550 5.1.1 nobody here"}

    answer = verify(client, application)

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"toEmail": ["550 5.1.1 nobody here"]}


def test_an_address_gets_three_codes_in_a_quarter_of_an_hour(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    answers = [verify(client, application).status_code for _ in range(4)]

    assert answers == [204, 204, 204, 429]
    assert len(mailbox.messages) == 3


# --- Confirm ----------------------------------------------------------------------------------


@pytest.mark.rule("v1.notifications.emails.confirm.r4", "v1.notifications.emails.confirm.r7")
def test_the_code_verifies_the_service_once(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    verify(client, application)

    answer = confirm(client, application, code_in(mailbox))

    assert (answer.status_code, answer.content) == (204, b"")
    assert is_verified(application)
    assert confirm(client, application, code_in(mailbox)).status_code == 404


@pytest.mark.rule("v1.notifications.emails.confirm.r3")
@pytest.mark.parametrize("missing", ["applicationId", "code"])
def test_to_confirm_takes_an_application_and_a_code(
    client: ApiClient, application: Application, missing: str
) -> None:
    body = {"applicationId": str(application.id), "code": "123456"}
    del body[missing]

    assert client.post(f"{PATH}/confirm", body).status_code == 400


@pytest.mark.rule("v1.notifications.emails.confirm.r5", "v1.notifications.emails.confirm.r10")
def test_five_wrong_codes_are_looked_at_and_no_more(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    verify(client, application)
    right = code_in(mailbox)

    answers = [confirm(client, application, other_than(right)).status_code for _ in range(6)]

    assert answers == [400] * 5 + [404]
    assert confirm(client, application, right).status_code == 404
    assert not is_verified(application)


def test_a_repeated_request_does_not_take_back_what_was_counted(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    verify(client, application)
    wrong = {"applicationId": str(application.id), "code": other_than(code_in(mailbox))}

    for number in range(2):
        client.post(f"{PATH}/confirm", wrong, headers={"Idempotency-Key": f"guess {number}"})

    assert OneTimeCode.objects.get().tries == 2


@pytest.mark.rule("v1.notifications.emails.confirm.r6")
def test_without_a_code_outstanding_there_is_nothing_to_confirm(
    client: ApiClient, application: Application
) -> None:
    assert confirm(client, application, "123456").status_code == 404


@pytest.mark.rule("v1.notifications.emails.confirm.r6", "v1.notifications.emails.verify.r7")
def test_a_code_expires_ten_minutes_after_it_was_mailed(
    application: Application, admin: User, mailbox: Mailbox, now: datetime
) -> None:
    actor, ours = make.actor_for(admin), str(application.id)
    email_checks.ask_for_verification(ours, address=ADA, actor=actor, now=now)
    code, end = code_in(mailbox), now + timedelta(minutes=10)

    with pytest.raises(NoCheckCode):
        email_checks.confirm_verification(ours, code=code, actor=actor, now=end)

    email_checks.confirm_verification(ours, code=code, actor=actor, now=end - timedelta(seconds=1))
    assert is_verified(application)


@pytest.mark.rule("v1.notifications.emails.verify.r6")
def test_a_new_code_voids_the_one_before(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    verify(client, application)
    old = code_in(mailbox)
    verify(client, application)
    new = code_in(mailbox)

    assert old == new or confirm(client, application, old).status_code == 400
    assert confirm(client, application, new).status_code == 204


@pytest.mark.rule("v1.notifications.emails.confirm.r8")
def test_a_leading_zero_of_a_code_matters(
    client: ApiClient,
    application: Application,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("agents.services.codes.secrets.randbelow", lambda _: 63_780)
    verify(client, application)

    assert confirm(client, application, "63780").status_code == 400
    body = {"applicationId": str(application.id), "code": 63_780}
    assert client.post(f"{PATH}/confirm", body).status_code == 400
    assert confirm(client, application, "063780").status_code == 204


@pytest.mark.rule("v1.notifications.emails.confirm.r9")
def test_a_code_confirms_the_application_that_it_was_mailed_for(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    other = make.make_application(application.organization)
    make.make_channel(other)
    verify(client, application)

    assert confirm(client, other, code_in(mailbox)).status_code == 404
    assert not is_verified(other)


def test_a_code_confirms_the_provider_that_has_mailed_it(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    verify(client, application)
    own = ChannelSettings.objects.get(application=application)
    choose_provider(own, "mailgun", {"api_key": "key-1"})
    own.save()

    assert confirm(client, application, code_in(mailbox)).status_code == 404
    assert not is_verified(application)


@pytest.mark.rule("v1.notifications.emails.confirm.r12")
def test_a_service_of_another_kind_is_not_confirmed(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    verify(client, application)
    application.kind = ApplicationKind.TALKDESK
    application.save(update_fields=["kind"])

    assert confirm(client, application, code_in(mailbox)).status_code == 404
    assert not is_verified(application)


def test_a_code_for_a_booking_confirms_no_service_and_the_other_way_round(
    application: Application, admin: User, mailbox: Mailbox, now: datetime
) -> None:
    actor, ours = make.actor_for(admin), str(application.id)
    for_booking = make.make_code(application, ours)
    with pytest.raises(NoCheckCode):
        email_checks.confirm_verification(ours, code=for_booking, actor=actor, now=now)
    email_checks.ask_for_verification(ours, address=ADA, actor=actor, now=now)
    for_service = code_in(mailbox)

    with pytest.raises(CodeRefused):
        codes.check_code(application, ADA, for_service, now=now)
    if for_booking != for_service:
        with pytest.raises(CheckCodeWrong):
            email_checks.confirm_verification(ours, code=for_booking, actor=actor, now=now)


def test_another_provider_has_to_be_verified_anew(application: Application, now: datetime) -> None:
    service = ChannelSettings.objects.get(application=application)
    service.verified_at = now

    choose_provider(service, "mailgun", {"api_key": "key-1"})

    assert service.verified_at is None


@pytest.mark.parametrize("operation", ["verify", "confirm", "test"])
def test_an_application_of_others_is_answered_as_an_unknown_one(
    client: ApiClient, mailbox: Mailbox, operation: str
) -> None:
    theirs = make.make_application()
    make.make_channel(theirs)
    members = {"toEmail": ADA, "code": "123456", "subject": "Hello", "textBody": "Hello"}
    before = everything()

    answers = [
        client.post(f"{PATH}/{operation}", {"applicationId": each, **members})
        for each in (str(theirs.id), UNKNOWN, "618c5dec")
    ]

    assert {(each.status_code, each.content) for each in answers} == {(404, answers[0].content)}
    assert (everything(), mailbox.messages) == (before, [])


# --- Test -------------------------------------------------------------------------------------


@pytest.mark.rule("v1.notifications.emails.test.r3", "v1.notifications.emails.test.r16")
def test_a_test_mail_goes_out_and_leaves_no_trace(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    before = everything()

    answer = try_out(client, application)

    assert (answer.status_code, answer.content) == (204, b"")
    [delivery] = mailbox.deliveries
    assert (delivery.recipients, delivery.message["Subject"]) == ((ADA,), "Reminder")
    changed = {table for table, digest in everything().items() if digest != before[table]}
    assert changed == {"agents_securitycounter"}


@pytest.mark.rule("v1.notifications.emails.test.r4")
@pytest.mark.parametrize(
    "members",
    [
        {"applicationId": None},
        {"toEmail": None},
        {"subject": None},
        {"subject": ""},
        {"subject": " \n"},
        {"textBody": None},
        {"textBody": " ", "htmlBody": ""},
    ],
    ids=str,
)
def test_a_test_mail_needs_a_recipient_a_subject_and_a_body(
    client: ApiClient, application: Application, mailbox: Mailbox, members: dict[str, Any]
) -> None:
    assert try_out(client, application, **members).status_code == 400
    assert mailbox.messages == []


def test_html_that_would_take_long_to_read_is_refused(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    answer = try_out(client, application, htmlBody="<b><div>" * 25_000)

    assert (answer.status_code, answer.json()["code"]) == (400, "CANNOT_BUILD")
    assert mailbox.messages == []


@pytest.mark.rule("v1.notifications.emails.test.r5", "v1.notifications.emails.test.r6")
@pytest.mark.parametrize(
    "members",
    [
        {"toEmail": "ada"},
        {"type": "NEWS"},
        {"period": "tomorrow"},
        {"period": "P1M"},
        {"period": "PT0S"},
        {"period": "-P1D"},
        {"timezone": "Mars/Olympus"},
        {"locale": "xx-nowhere"},
        {"channel": "SMS"},
        {"channel": ""},
    ],
    ids=str,
)
def test_a_value_that_makes_no_sense_is_refused_by_name(
    client: ApiClient, application: Application, mailbox: Mailbox, members: dict[str, Any]
) -> None:
    answer = try_out(client, application, **members)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == list(members)
    assert mailbox.messages == []


@pytest.mark.rule("v1.notifications.emails.test.r6", "v1.notifications.emails.test.r7")
@pytest.mark.parametrize(
    "members",
    [
        {"channel": "EMAIL"},
        {"type": "REMINDER"},
        {"type": "INTERACTION_UPDATED"},
        {"period": '"P1D"', "timezone": '"Europe/Berlin"', "locale": '"en-GB"'},
    ],
    ids=str,
)
def test_what_may_be_left_out_is_taken(
    client: ApiClient, application: Application, mailbox: Mailbox, members: dict[str, Any]
) -> None:
    assert try_out(client, application, **members).status_code == 204
    assert len(mailbox.messages) == 1


@pytest.mark.rule(
    "v1.notifications.emails.test.r8",
    "v1.notifications.emails.test.r9",
    "v1.notifications.emails.test.r10",
    "v1.notifications.emails.test.r11",
    "v1.notifications.emails.test.r12",
)
def test_tokens_are_those_of_a_sample_appointment_and_others_stay(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    text = "{{firstName}}, {{dd-MM-yyyy}} {{time24}} {{zone}} {{ nobody }} {{unknown}}"
    start = timezone.now().astimezone(parse_zone("Asia/Tokyo")) + timedelta(hours=50)

    try_out(
        client,
        application,
        subject=text,
        textBody=text,
        htmlBody=f"<p>{text}</p>",
        timezone="Asia/Tokyo",
        period="PT50H",
    )

    [mail] = mailbox.messages
    # The minute may have passed between the two clocks.
    said = {
        f"Alex, {each:%d-%m-%Y %H:%M} Asia/Tokyo {{{{ nobody }}}} {{{{unknown}}}}"
        for each in (start, start + timedelta(minutes=1))
    }
    assert str(mail["Subject"]) in said
    assert text_of(mailbox).strip() in said
    assert any(f"<p>{each}</p>" in text_of(mailbox, "html") for each in said)


@pytest.mark.rule("v1.notifications.emails.test.r10")
def test_the_sample_appointment_is_tomorrow_unless_a_period_is_given(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    begun = timezone.now().astimezone(parse_zone("Europe/Berlin"))

    try_out(client, application, textBody="{{dd-MM-yyyy}}")

    ended = timezone.now().astimezone(parse_zone("Europe/Berlin"))
    tomorrow = {f"{each + timedelta(days=1):%d-%m-%Y}" for each in (begun, ended)}
    assert text_of(mailbox).strip() in tomorrow


@pytest.mark.rule("v1.notifications.emails.test.r13")
def test_values_are_escaped_in_html_and_the_html_is_cleaned(
    client: ApiClient, mailbox: Mailbox, application: Application
) -> None:
    application.name = "<b>Loans & more</b>"
    application.save(update_fields=["name"])

    try_out(client, application, htmlBody="<p>{{applicationName}}</p><script>alert(1)</script>")

    html = text_of(mailbox, "html")
    assert "<p>&lt;b&gt;Loans &amp; more&lt;/b&gt;</p>" in html
    assert "alert" not in html


@pytest.mark.rule("v1.notifications.emails.test.r14")
@pytest.mark.parametrize(
    ("members", "kinds"),
    [
        ({"htmlBody": "<p>See you.</p>"}, ["text/plain", "text/html"]),
        ({}, ["text/plain"]),
        ({"htmlBody": "<p>See you.</p>", "textBody": None}, ["text/plain", "text/html"]),
    ],
    ids=["both", "text", "html"],
)
def test_the_mail_has_the_parts_that_were_given(
    client: ApiClient,
    application: Application,
    mailbox: Mailbox,
    members: dict[str, Any],
    kinds: list[str],
) -> None:
    try_out(client, application, **members)

    parts = [part for part in mailbox.messages[0].walk() if not part.is_multipart()]
    assert [part.get_content_type() for part in parts] == kinds
    assert text_of(mailbox).strip() == "See you."


@pytest.mark.rule("v1.notifications.emails.test.r15")
@pytest.mark.parametrize("trouble", ["off", "none", "away", "refuses", "no such provider"])
def test_a_service_that_is_not_there_or_not_usable_is_answered_404(
    client: ApiClient,
    application: Application,
    request: pytest.FixtureRequest,
    trouble: str,
) -> None:
    if trouble != "away":
        mailbox: Mailbox = request.getfixturevalue("mailbox")
        mailbox.replies = ["554 5.7.1 go away"] if trouble == "refuses" else []
    ours = ChannelSettings.objects.filter(application=application)
    match trouble:
        case "off":
            ours.update(is_on=False)
        case "none":
            ours.delete()
        case "no such provider":
            ours.update(provider="pigeon")

    assert try_out(client, application).status_code == 404


def test_test_mails_are_limited(
    client: ApiClient, application: Application, mailbox: Mailbox
) -> None:
    answers = [try_out(client, application).status_code for _ in range(61)]

    assert (answers[59], answers[60]) == (204, 429)
