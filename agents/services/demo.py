"""The demonstration data: two organisations that are the same on every installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction

from agents.models import ApiClient, Application, Organization, User
from agents.services.demo_desk import load_desk
from agents.services.demo_hours import load_hours
from config.kernel import secrets
from config.kernel.actors import Role
from notifications.models import Channel, ChannelSettings, MessageTemplate, NotificationType

# Ids do not change either, so that the examples of the documentation can be typed as they are.
_NAMESPACE = UUID("5d3e1c1a-0d2b-4b9e-9a62-6f6a5d0f1c77")
REMINDERS = ["PT24H", "PT1H"]


@dataclass(frozen=True, kw_only=True)
class _Person:
    first_name: str
    last_name: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class _Plan:
    name: str
    word: str
    application: str
    options: Mapping[str, Any]
    people: tuple[_Person, ...]
    # Shown as the sender of its SMS; without one it sends none.
    sms_sender: str = ""

    def id(self, what: str) -> UUID:
        return uuid5(_NAMESPACE, f"{self.word}/{what}")


def _people(*names: str) -> tuple[_Person, ...]:
    roles = (Role.SUPERVISOR, Role.ADMIN, Role.AGENT, Role.AGENT, Role.AGENT)
    return tuple(
        _Person(first_name=first, last_name=last, role=role)
        for role, (first, last) in zip(roles, (name.split() for name in names), strict=True)
    )


PLANS = (
    _Plan(
        name="Northwind Care",
        word="northwind",
        application="Northwind Care Online",
        options={
            "default_locale": "en-GB",
            "default_timezone": "Europe/London",
            "default_country": "GB",
            "deployment_id": "northwind-demo",
            "environment": "mypurecloud.ie",
        },
        people=_people("Ida Berg", "Tom Reed", "Anna Keller", "Ben Okafor", "Carla Rossi"),
        sms_sender="Northwind",
    ),
    _Plan(
        name="Contoso Bank",
        word="contoso",
        application="Contoso Bank Online",
        options={
            "default_locale": "de-DE",
            "default_timezone": "Europe/Berlin",
            "default_country": "DE",
            "deployment_id": "contoso-demo",
            "environment": "mypurecloud.de",
            "prevent_overlaps": True,
        },
        people=_people("Mara Lindt", "Paul Novak", "Dana Wolf", "Elif Demir", "Finn Larsen"),
    ),
)

# How an application says it in its own words; where none is stored, the built-in text is used.
TEMPLATES = {
    "en": (
        "Your appointment with {{organizationName}}",
        """Dear {{firstName}} {{lastName}},

we look forward to seeing you on {{weekday}}, {{date}} at {{time24}} ({{zone}}).

Your personal link: {{link}}

{{organizationName}}
""",
    ),
    "de": (
        "Ihr Termin bei {{organizationName}}",
        """Guten Tag {{firstName}} {{lastName}},

wir freuen uns auf Sie am {{weekday}}, {{date}} um {{time24}} Uhr ({{zone}}).

Ihr persönlicher Link: {{link}}

{{organizationName}}
""",
    ),
}


def password_of(username: str) -> str:
    """Give the password of a demonstration user: known to everybody who reads this."""
    return f"frontdesk-demo-{username.partition('@')[0]}"


@transaction.atomic
def load_demo() -> dict[str, Any]:
    """Make sure that the demonstration data are there, and give them with all their secrets."""
    return {"organizations": [_load(plan) for plan in PLANS]}


def _load(plan: _Plan) -> dict[str, Any]:
    organization, _ = Organization.objects.update_or_create(
        id=plan.id("organization"), defaults={"name": plan.name, "is_active": True}
    )
    application = _application(plan, organization)
    users = [_user(plan, organization, person) for person in plan.people]
    pairs = zip(users, plan.people, strict=True)
    agents = User.objects.filter(pk__in=[one["id"] for one, who in pairs if who.role is Role.AGENT])
    load_hours(organization, agents.order_by("username"), plan.id, word=plan.word)
    by_id = User.objects.in_bulk([plan.id(one["username"]) for one in users])
    desks = [by_id[plan.id(one["username"])] for one in users if Role.ADMIN not in one["roles"]]
    load_desk(organization, desks, plan.id)
    return {
        "id": str(organization.pk),
        "name": organization.name,
        "applications": [{"id": str(application.pk), "name": application.name}],
        "users": users,
        "clients": [_client(plan, organization)],
    }


def _application(plan: _Plan, organization: Organization) -> Application:
    application, _ = Application.objects.get_or_create(
        id=plan.id("application"),
        defaults={
            "organization": organization,
            "name": plan.application,
            "is_default": True,
            **plan.options,
        },
    )
    ChannelSettings.objects.get_or_create(
        application=application,
        channel=Channel.EMAIL,
        defaults={
            "organization": organization,
            "is_on": True,
            "reminder_offsets": REMINDERS,
        },
    )
    if plan.sms_sender:
        ChannelSettings.objects.get_or_create(
            application=application,
            channel=Channel.SMS,
            defaults={
                "organization": organization,
                "is_on": True,
                "reminder_offsets": REMINDERS,
                "sender": plan.sms_sender,
            },
        )
    for locale, (subject, text) in TEMPLATES.items():
        MessageTemplate.objects.get_or_create(
            application=application,
            type=NotificationType.CREATE,
            channel=Channel.EMAIL,
            locale=locale,
            defaults={"organization": organization, "subject": subject, "text": text},
        )
    return application


def _user(plan: _Plan, organization: Organization, person: _Person) -> dict[str, Any]:
    username = f"{person.first_name}.{person.last_name}@{plan.word}.example".lower()
    password = password_of(username)
    user = User.objects.filter(pk=plan.id(username)).first()
    if user is None:
        user = User.objects.create_user(
            username,
            password,
            id=plan.id(username),
            organization=organization,
            roles=[person.role.value],
            first_name=person.first_name,
            last_name=person.last_name,
        )
    elif not user.check_password(password):
        # What is printed has to be true.
        user.set_password(password)
        user.save(update_fields=["password"])
    return {
        "id": str(user.pk),
        "username": user.username,
        "password": password,
        "roles": list(user.roles),
    }


def _client(plan: _Plan, organization: Organization) -> dict[str, Any]:
    prefix = f"{plan.word}demo"
    secret = f"fd_{prefix}_frontdesk-demo-secret"
    client, _ = ApiClient.objects.update_or_create(
        id=plan.id("client"),
        defaults={
            "organization": organization,
            "name": "Booking widget",
            "prefix": prefix,
            "digest": secrets.digest_of(secret),
            "roles": [Role.CLIENT_SERVICE.value],
        },
    )
    return {
        "client_id": str(client.pk),
        "client_secret": secret,
        "roles": list(client.roles),
    }
