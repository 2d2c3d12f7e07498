"""GET /api/v2/appointments/{id}: one appointment, and who may read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest

from appointments import services
from appointments.models import Appointment, TargetType
from config.kernel.actors import Role
from config.kernel.time import format_instant
from tests import make
from tests.contract.state import everything
from tests.contract.tokens import claims_of, signed
from tests.make import customers_of, make_appointment, make_customer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models import Application, User
    from tests.contract.client import ApiClient as Api

pytestmark = pytest.mark.django_db

UNKNOWN = "0190a1b2-0000-7000-8000-00000000dead"
# Two customers: what one of them may not see is there to be seen.
ADA, GRACE = make_customer(), make_customer(first_name="Grace", email="grace@example.org")


def path(appointment: Appointment | str) -> str:
    return f"/api/v2/appointments/{getattr(appointment, 'id', appointment)}"


@pytest.fixture
def application() -> Application:
    return make.make_application()


@pytest.fixture
def agent(application: Application) -> User:
    return make.make_user(application.organization)


@pytest.fixture
def supervisor(application: Application) -> User:
    return make.make_user(application.organization, [Role.SUPERVISOR])


@pytest.mark.rule("v2.appointments.get.r3")
def test_a_known_id_is_answered_with_the_whole_appointment(
    api: Callable[[str], Api], application: Application, agent: User
) -> None:
    booked = make_appointment(
        application, agent=agent, start=datetime(2027, 10, 30, 22, 0, 0, 250_000, tzinfo=UTC),
        duration="P1D", title="Review", notes="Bring\nit", metadata={"case": {"n": [1]}},
        locale="de-DE", custom_fields={"line": "7"}, notification_headers={"X-Case": "1"},
        target=services.Target(type=TargetType.AGENT, id=str(agent.id)),
    )  # fmt: skip
    [customer] = customers_of(booked)

    body = api(make.token_for(agent)).get(path(booked)).json()

    assert len(body.pop("secureToken")) == 64
    assert body == {
        "id": str(booked.id),
        "applicationId": str(application.id),
        "title": "Review",
        "notes": "Bring\nit",
        "metadata": {"case": {"n": [1]}},
        "start": "2027-10-30T22:00:00.250000Z",
        # The day on which Berlin's clocks go back has 25 hours.
        "end": "2027-10-31T23:00:00.250000Z",
        "duration": "P1D",
        "timezone": "Europe/Berlin",
        "locale": "de-DE",
        "organizer": {"id": str(agent.id), "type": "AGENT"},
        "targetAssignment": {"id": str(agent.id), "type": "AGENT"},
        "participants": [
            {
                "id": str(customer.id),
                "type": "CUSTOMER",
                "detailsAvailable": True,
                "ticket": {
                    "accessUrl": services.access_url(customer),
                    "expiresAt": "2027-11-01T03:00:00.250000Z",
                },
            },
            {"id": str(agent.id), "type": "AGENT", "detailsAvailable": True},
        ],
        "interaction": {
            "customFields": {"line": "7"},
            "properties": {},
            "routing": {"type": "GENESYS_CLOUD_FLOW", "properties": booked.routing_properties},
            "state": "PENDING",
        },
        "notificationsActive": True,
        "notificationHeaders": {"X-Case": "1"},
    }


@pytest.mark.rule("v2.appointments.get.r3")
def test_members_without_a_value_are_left_out(
    api: Callable[[str], Api], application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, customers=[])

    body = api(make.token_for(agent)).get(path(booked)).json()

    assert set(body) == {
        "id", "applicationId", "start", "end", "duration", "timezone", "locale", "organizer",
        "participants", "interaction", "notificationsActive", "secureToken",
    }  # fmt: skip


@pytest.mark.rule("v2.appointments.get.r3")
@pytest.mark.parametrize("operation", ["", "reschedule/"])
def test_the_appointment_is_read_as_it_was_last_written(
    api: Callable[[str], Api], application: Application, agent: User, operation: str
) -> None:
    booked = make_appointment(application, agent=agent, title="Old")
    client = api(make.token_for(agent))
    body: dict[str, Any] = {"id": str(booked.id), "title": "New"}
    if operation:
        start = format_instant(datetime.now(UTC) + timedelta(days=9))
        body = {"id": str(booked.id), "start": start, "duration": "PT7M", "timezone": "Asia/Tokyo"}

    written = client.put(f"/api/v2/appointments/{operation}", body).json()

    assert client.get(path(booked)).json() == written
    assert {name: written[name] for name in body} == body


@pytest.mark.rule("v2.appointments.get.r4")
@pytest.mark.parametrize("key", ["unknown", "malformed", "in braces", "another organization's"])
def test_an_unknown_id_is_answered_404(
    api: Callable[[str], Api], application: Application, supervisor: User, key: str
) -> None:
    theirs = make_appointment()
    own = make_appointment(application)
    keys = {"unknown": UNKNOWN, "malformed": "x", "in braces": f"{{{own.id}}}"}

    answer = api(make.token_for(supervisor)).get(path(keys.get(key, str(theirs.id))))

    assert (answer.status_code, answer.json()) == (
        404,
        {
            "code": "APPOINTMENT_NOT_FOUND",
            "message": "There is no such appointment.",
            "errors": {},
        },
    )


# --- Agents -----------------------------------------------------------------------------------


def test_an_agent_who_has_nothing_to_do_with_it_is_answered_403_while_the_option_is_on(
    api: Callable[[str], Api], application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, title="Secret")
    stranger = api(make.token_for(make.make_user(application.organization)))

    refused = stranger.get(path(booked))
    application.agents_see_only_their_own = False
    application.save()
    allowed = stranger.get(path(booked))

    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_YOUR_APPOINTMENT")
    assert b"Secret" not in refused.content
    assert (allowed.status_code, allowed.json()["title"]) == (200, "Secret")


@pytest.mark.rule("v2.appointments.get.r3")
@pytest.mark.parametrize("relation", ["organizer", "participant", "target", "nobody in charge"])
def test_an_agent_reads_what_it_has_to_do_with_and_what_nobody_is_in_charge_of(
    api: Callable[[str], Api], application: Application, agent: User, relation: str
) -> None:
    other = make.make_user(application.organization)
    actor, now = make.actor_for(other, [Role.SUPERVISOR]), datetime.now(UTC)
    match relation:
        case "organizer":
            booked = make_appointment(application, organizer=agent, agent=other)
        case "participant":
            booked = make_appointment(application, agent=other)
            services.add_agent(booked.id, user_id=str(agent.id), actor=actor, now=now)
        case "target":
            booked = make_appointment(application, organizer=other, agent=agent)
            services.add_agent(booked.id, user_id=str(other.id), actor=actor, now=now)
            services.remove_participant(
                booked.id, participant_id=str(agent.id), actor=actor, now=now
            )
        case _:
            queue = services.Target(type=TargetType.QUEUE, id="Loans")
            booked = make_appointment(application, organizer=other, target=queue)

    answer = api(make.token_for(agent)).get(path(booked))

    assert (answer.status_code, answer.json()["id"]) == (200, str(booked.id))


@pytest.mark.rule("v2.appointments.get.r3")
def test_supervisors_and_services_read_every_appointment_of_their_organization(
    api: Callable[[str], Api], application: Application, agent: User, supervisor: User
) -> None:
    booked = make_appointment(application, agent=agent)
    service, _ = make.make_api_client(application.organization)

    answers = [api(make.token_for(caller)).get(path(booked)) for caller in (supervisor, service)]

    assert [answer.json()["id"] for answer in answers] == [str(booked.id)] * 2


# --- Customers --------------------------------------------------------------------------------


@pytest.mark.rule("v2.appointments.get.r5", "v2.appointments.get.r8")
def test_a_customer_reads_its_appointment_with_its_own_ticket_and_no_secure_token(
    api: Callable[[str], Api], application: Application, agent: User
) -> None:
    booked = make_appointment(application, agent=agent, customers=[ADA, GRACE])
    ada, grace = customers_of(booked)
    seen_by_agent = api(make.token_for(agent)).get(path(booked)).json()

    body = api(make.customer_token(grace)).get(path(booked)).json()

    # The agent sees what the customer must not.
    [of_ada, of_grace, _] = seen_by_agent["participants"]
    assert of_ada["ticket"]["accessUrl"] == services.access_url(ada)
    assert of_grace["ticket"]["accessUrl"] == services.access_url(grace)
    del of_ada["ticket"], seen_by_agent["secureToken"]
    assert body == seen_by_agent


@pytest.mark.rule("v2.appointments.get.r6")
def test_a_customer_is_answered_403_for_any_other_appointment(
    api: Callable[[str], Api], application: Application, agent: User
) -> None:
    own, other = (make_appointment(application, agent=agent, title="Secret") for _ in range(2))
    customer = api(make.customer_token(customers_of(own)[0]))

    answer = customer.get(path(other))

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")
    assert b"Secret" not in answer.content


@pytest.mark.rule("v2.appointments.get.r6")
@pytest.mark.parametrize("is_active", [False, True])
def test_a_customer_whose_token_names_no_conference_is_answered_403(
    api: Callable[[str], Api], application: Application, agent: User, is_active: bool
) -> None:
    booked = make_appointment(application, agent=agent, title="Secret")
    claims = claims_of(make.customer_token(customers_of(booked)[0]))
    if not is_active:
        Appointment.objects.update(activated_at=None)
    del claims["conferenceId"]

    answer = api(signed(claims)).get(path(booked))

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")
    assert b"Secret" not in answer.content


@pytest.mark.rule("v2.appointments.get.r6")
def test_a_customer_is_answered_403_for_an_appointment_that_has_no_conference_yet(
    api: Callable[[str], Api], agent: User, application: Application
) -> None:
    booked = make_appointment(application, agent=agent)
    token = make.customer_token(customers_of(booked)[0])
    Appointment.objects.filter(pk=booked.pk).update(activated_at=None)

    answer = api(token).get(path(booked))

    assert (answer.status_code, answer.json()["code"]) == (403, "NOT_YOUR_CONFERENCE")


# --- Tickets and the secure token -------------------------------------------------------------


@pytest.mark.rule("v2.appointments.get.r7")
def test_a_ticket_is_there_only_after_activation(
    api: Callable[[str], Api], agent: User, application: Application
) -> None:
    application.activates_automatically = False
    application.save()
    booked = make_appointment(application, agent=agent)
    service, _ = make.make_api_client(application.organization)
    client = api(make.token_for(service))

    before = client.get(path(booked)).json()["participants"]
    client.post(f"/api/v2/appointments/activate/{booked.id}")
    after = client.get(path(booked)).json()["participants"]

    [customer] = customers_of(booked)
    assert [sorted(one) for one in before] == [["detailsAvailable", "id", "type"]] * 2
    assert [one.get("ticket", {}).get("accessUrl") for one in after] == [
        services.access_url(customer),
        None,
    ]


@pytest.mark.rule("v2.appointments.get.r9")
def test_the_secure_token_is_the_same_for_all_who_see_it_and_differs_between_appointments(
    api: Callable[[str], Api], agent: User, supervisor: User, application: Application
) -> None:
    one, other = (make_appointment(application, agent=agent) for _ in range(2))
    service, _ = make.make_api_client(application.organization)
    callers = [api(make.token_for(who)) for who in (agent, supervisor, service, agent)]

    def token(caller: Api, appointment: Appointment) -> str:
        return str(caller.get(path(appointment)).json()["secureToken"])

    tokens = {token(caller, one) for caller in callers}
    callers[0].put("/api/v2/appointments/", {"id": str(one.id), "title": "New"})

    assert tokens == {token(callers[0], one)}
    assert tokens != {token(callers[0], other)}


@pytest.mark.rule("v2.appointments.get.r10")
def test_the_secure_token_is_an_hmac_by_a_key_of_the_appointment_that_no_answer_has(
    api: Callable[[str], Api], agent: User, application: Application
) -> None:
    one, other = (make_appointment(application, agent=agent) for _ in range(2))
    key = bytes(Appointment.objects.get(pk=one.pk).master_key)
    client = api(make.token_for(agent))

    answer = client.get(path(one))
    Appointment.objects.filter(pk=other.pk).update(master_key=key)

    # RFC 2104, by hand: H(K ^ opad, H(K ^ ipad, text)).
    block = key.ljust(64, b"\0")
    inner = sha256(bytes(b ^ 0x36 for b in block) + str(one.id).encode()).digest()
    expected = sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()
    assert answer.json()["secureToken"] == expected
    assert client.get(path(other)).json()["secureToken"] != expected
    assert key.hex() not in answer.content.decode()


@pytest.mark.rule("v2.appointments.get.r11")
@pytest.mark.parametrize("scheme", ["Bearer ", "", "Basic "])
def test_the_secure_token_proves_nobody(
    api: Callable[..., Api], agent: User, application: Application, scheme: str
) -> None:
    booked = make_appointment(application, agent=agent)
    token = api(make.token_for(agent)).get(path(booked)).json()["secureToken"]
    before = everything()
    headers = {"Authorization": scheme + token}

    answers = [
        api().get(path(booked), headers=headers, secureToken=token),
        api().delete(path(booked), headers=headers),
        api().get(f"{path(booked)}/interaction", headers=headers),
        api().put("/api/v2/appointments/", {"id": str(booked.id), "title": "x"}, headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert everything() == before


@pytest.mark.parametrize("participants", [1, 3])
def test_reading_one_takes_two_statements_besides_the_caller(
    api: Callable[[str], Api], agent: User, application: Application, participants: int,
    django_assert_num_queries: Any,
) -> None:  # fmt: skip
    booked = make_appointment(application, agent=agent, customers=[ADA] * participants)
    client = api(make.token_for(agent))

    with django_assert_num_queries(3):
        body = client.get(path(booked)).json()

    assert len(body["participants"]) == participants + 1
