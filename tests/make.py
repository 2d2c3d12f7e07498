"""What tests are about, made with defaults that hold no surprise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from agents.models import (
    Absence,
    ApiClient,
    Application,
    Holiday,
    Organization,
    Skill,
    User,
    UserSkill,
    WorkingDay,
    WorkingHours,
)
from agents.services import codes, tokens
from appointments import services
from appointments.models import (
    Appointment,
    CalendarFeed,
    Participant,
    ParticipantType,
    State,
    TargetType,
)
from appointments.services import feeds
from config.kernel import secrets
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.time import parse_duration, parse_zone
from notifications.models import Channel, ChannelSettings, Subscription

PASSWORD = "correct-horse-battery"
_numbers = count(1)


def make_organization(name: str = "", **fields: Any) -> Organization:
    """Make a tenant without an application."""
    return Organization.objects.create(name=name or f"Organization {next(_numbers)}", **fields)


def make_application(organization: Organization | None = None, **options: Any) -> Application:
    """Make an application; the first one of an organisation is its default."""
    organization = organization or make_organization()
    others = Application.objects.filter(organization=organization)
    options.setdefault("is_default", not others.exists())
    options.setdefault("name", f"Application {next(_numbers)}")
    return Application.objects.create(organization=organization, **options)


def make_user(
    organization: Organization | None = None,
    roles: tuple[Role, ...] | list[Role] = (Role.AGENT,),
    *,
    username: str = "",
    password: str = PASSWORD,
    **fields: Any,
) -> User:
    """Make a user who can log in with PASSWORD; an agent unless other roles are given."""
    user: User = User.objects.create_user(
        username or f"user-{next(_numbers)}@example.org",
        password,
        organization=organization or make_organization(),
        roles=[Role(role).value for role in roles],
        **fields,
    )
    return user


def make_api_client(
    organization: Organization | None = None,
    roles: tuple[Role, ...] | list[Role] = (Role.CLIENT_SERVICE,),
    **fields: Any,
) -> tuple[ApiClient, str]:
    """Make an API client and give it together with its secret."""
    key = secrets.new_api_key(secrets.new_ticket(12))
    client = ApiClient.objects.create(
        organization=organization or make_organization(),
        name=f"Client {next(_numbers)}",
        prefix=key.prefix,
        digest=key.digest,
        roles=[Role(role).value for role in roles],
        **fields,
    )
    return client, key.text


def token_for(holder: User | ApiClient) -> str:
    """Give an access token of a user or API client, as the product makes it."""
    match holder:
        case User():
            return tokens.access_for_user(holder)
        case ApiClient():
            return tokens.access_for_client(holder)


def actor_for(
    holder: User | ApiClient,
    roles: tuple[Role, ...] | list[Role] | None = None,
    *,
    origin: str = "test",
) -> Actor:
    """Give the actor that the token of a user or API client would make."""
    kind = ActorKind.USER if isinstance(holder, User) else ActorKind.CLIENT
    return Actor(
        kind=kind,
        id=str(holder.pk),
        organization_id=holder.organization_id,
        roles=frozenset(Role(role) for role in (holder.roles if roles is None else roles)),
        origin=origin,
    )


def customer_token(participant: Any) -> str:
    """Give the access token that the participant's ticket would be exchanged for.

    Raises LookupError when the participant has no ticket.
    """
    customer = tokens.pass_of_participant(participant.pk)
    if customer is None:
        raise LookupError(f"Participant {participant.pk} has no ticket.")
    return tokens.access_for_customer(customer)


def make_code(application: Application, address: str) -> str:
    """Give a one-time code that proves the address for the application."""
    return codes.new_code(application, address, now=timezone.now())


def make_channel(
    application: Application, channel: Channel = Channel.EMAIL, **options: Any
) -> ChannelSettings:
    """Switch a channel on, without offsets unless they are given."""
    return ChannelSettings.objects.create(
        organization=application.organization,
        application=application,
        channel=channel,
        is_on=True,
        **options,
    )


def make_subscription(application: Application, **options: Any) -> Subscription:
    """Make a webhook subscription to all types; the channel has to be on as well."""
    return Subscription.objects.create(
        organization=application.organization,
        application=application,
        **{"url": "https://hooks.example.org/frontdesk", **options},
    )


def make_customer(**details: Any) -> services.CustomerData:
    """Give the details of a customer: Ada Lovelace, unless others are given."""
    defaults = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.org"}
    return services.CustomerData(**{**defaults, **details})


def make_appointment(
    application: Application | None = None,
    *,
    agent: User | None = None,
    organizer: User | ApiClient | None = None,
    start: datetime | None = None,
    duration: str = "PT30M",
    zone: str = "Europe/Berlin",
    customers: Sequence[services.CustomerData] | None = None,
    state: State | None = None,
    booked_at: datetime | None = None,
    **facts: Any,
) -> Appointment:
    """Book an appointment: tomorrow, half an hour, one customer, and an agent who organizes it.

    One in the past was booked an hour before its start. A `state` is set without its history.
    """
    application = application or make_application()
    if organizer is None:
        organizer = agent or make_user(application.organization)
    start = start or timezone.now().replace(microsecond=0) + timedelta(days=1)
    if agent is not None and organizer is not agent:
        facts.setdefault("target", services.Target(type=TargetType.AGENT, id=str(agent.id)))
    booking = services.Booking(
        application_id=str(application.id),
        start=start,
        duration=parse_duration(duration),
        zone=parse_zone(zone),
        locale=facts.pop("locale", "en-US"),
        customers=tuple([make_customer()] if customers is None else customers),
        **facts,
    )
    now = booked_at or min(timezone.now(), start - timedelta(hours=1))
    case = services.schedule_appointment(booking, actor=actor_for(organizer), now=now)
    if state is not None:
        Appointment.objects.filter(pk=case.appointment.pk).update(state=state)
    return Appointment.objects.select_related("application").get(pk=case.appointment.pk)


def customers_of(appointment: Appointment) -> list[Participant]:
    """Give the customers of an appointment in their order."""
    everyone = Participant.objects.of(appointment.id)
    return list(everyone.filter(type=ParticipantType.CUSTOMER))


def make_feed(agent: User | None = None, **options: Any) -> CalendarFeed:
    """Make the calendar feed of an agent, or of an office, with the names of customers."""
    owner = agent or options["office"]
    return feeds.create_feed(
        agent_id=agent.pk if agent else None,
        office_id=None if agent else owner.pk,
        shows_customers=options.get("shows_customers", True),
        actor=Actor(
            kind=ActorKind.USER,
            id=str(owner.pk),
            organization_id=owner.organization_id,
            roles=frozenset({Role.SUPERVISOR}),
        ),
        now=options.get("now") or timezone.now(),
    )


def secret_of(feed: CalendarFeed) -> str:
    """Give what the address of a feed ends in.

    Raises LookupError when its key is gone.
    """
    address = feeds.feed_url(feed)
    if address is None:
        raise LookupError(f"Feed {feed.pk} was sealed with another key.")
    return address.rpartition("/")[2].removesuffix(".ics")


def make_absence(user: User, first: date, last: date, **options: Any) -> Absence:
    """Let somebody be on vacation from the first to the last day."""
    return Absence.objects.create(
        organization_id=_house_of(user), user=user, starts_on=first, ends_on=last, **options
    )


def make_hours(
    user: User,
    starts_at: str = "09:00",
    ends_at: str = "17:00",
    *,
    weekdays: Iterable[int] = range(1, 6),
) -> list[WorkingHours]:
    """Let somebody work on some days of every week; one more call adds another interval."""
    return WorkingHours.objects.bulk_create(
        WorkingHours(
            organization_id=_house_of(user),
            user=user,
            weekday=weekday,
            starts_at=time.fromisoformat(starts_at),
            ends_at=time.fromisoformat(ends_at),
        )
        for weekday in weekdays
    )


def make_working_day(user: User, day: date, *intervals: tuple[str, str]) -> list[WorkingDay]:
    """Give somebody other hours on one day: ("09:00", "12:00"), …; without any it is free."""
    return WorkingDay.objects.bulk_create(
        WorkingDay(
            organization_id=_house_of(user),
            user=user,
            day=day,
            starts_at=time.fromisoformat(starts_at) if starts_at else None,
            ends_at=time.fromisoformat(ends_at) if ends_at else None,
        )
        for starts_at, ends_at in intervals or [("", "")]
    )


def make_holiday(organization: Organization, day: date, name: str = "New Year") -> Holiday:
    """Close the house on a day."""
    return Holiday.objects.create(organization=organization, day=day, name=name)


def make_skill(user: User, name: str = "Loans", *, level: int = 0) -> Skill:
    """Give somebody a skill of the organisation, which is made where there is none yet."""
    skill, _ = Skill.objects.get_or_create(organization_id=_house_of(user), name=name)
    UserSkill.objects.create(organization_id=_house_of(user), user=user, skill=skill, level=level)
    return skill


def _house_of(user: User) -> UUID:
    if user.organization_id is None:
        raise ValueError("Operators work for no organisation.")
    return user.organization_id
