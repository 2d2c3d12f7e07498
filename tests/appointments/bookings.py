"""Subscribers of the booking webhook, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.utils import timezone

from agents.models import Application, User
from appointments import services
from appointments.models import Appointment, Participant, Subject
from appointments.services.catalogue import default_subject
from config.kernel.actors import Actor, ActorKind, Role
from config.kernel.time import format_instant, parse_duration, parse_zone
from notifications.models import Channel, Notification, Subscription, WebhookFormat
from notifications.services import feed
from notifications.transports.webhooks.delivery import body_of
from tests import make
from tests.contract import outgoing
from tests.contract.client import ApiClient

BERLIN = parse_zone("Europe/Berlin")
HALF_AN_HOUR = parse_duration("PT30M")


@dataclass(kw_only=True)
class Desk:
    """An application with one subscriber of the booking webhook, and the people around it."""

    application: Application
    hook: Subscription
    agent: User
    colleague: User
    supervisor: User
    begun_at: datetime = field(default_factory=timezone.now)
    now: datetime = field(default_factory=timezone.now)
    _seen: set[Any] = field(default_factory=set)

    @property
    def actor(self) -> Actor:
        return make.actor_for(self.supervisor)

    @property
    def start(self) -> datetime:
        return self.begun_at.replace(microsecond=0) + timedelta(days=3)

    def draft(self, **about: Any) -> dict[str, Any]:
        return {
            "application_id": str(self.application.id),
            "zone": BERLIN,
            "locale": "de-DE",
            "customers": (make.make_customer(first_name="Ada", email="ada@example.org"),),
            "about": about,
        }

    def booking(self, **about: Any) -> services.Booking:
        return services.Booking(start=self.start, duration=HALF_AN_HOUR, **self.draft(**about))

    def booked(self, *, actor: Actor | None = None, **about: Any) -> Appointment:
        """Book as the agent, who takes part."""
        case = services.schedule_appointment(
            self.booking(**about), actor=actor or make.actor_for(self.agent), now=self.now
        )
        return case.appointment

    def requested(self, **about: Any) -> Appointment:
        case = services.request_appointment(
            self.booking(**about), actor=make.actor_for(self.agent), now=self.now
        )
        return case.appointment

    def invited(self, **about: Any) -> Appointment:
        draft = services.Draft(**self.draft(**about))
        case = services.invite_customers(draft, actor=make.actor_for(self.agent), now=self.now)
        return case.appointment

    def by(self, who: User) -> ApiClient:
        return ApiClient(make.token_for(who))

    def body(self) -> dict[str, Any]:
        """Give what books by the API."""
        return {
            "applicationId": str(self.application.id),
            "start": format_instant(self.start),
            "duration": "PT30M",
            "timezone": "Europe/Berlin",
            "customers": [{"contact": {"primaryEmail": "ada@example.org"}}],
        }

    def needing_acceptance(self) -> Subject:
        """Give the general subject, whose bookings by customers are requests."""
        subject = default_subject(self.application.organization_id)
        Subject.objects.filter(pk=subject.pk).update(needs_acceptance=True)
        return subject

    def told(self) -> list[dict[str, Any]]:
        """Give the bodies that were planned since it was asked last, in their order.

        Each keeps to the contract.
        """
        rows = Notification.objects.filter(channel=Channel.WEBHOOKS).select_related("content")
        new = [one for one in rows.order_by("id") if one.pk not in self._seen]
        self._seen |= {one.pk for one in new}
        bodies = [_body(one) for one in new]
        for body in bodies:
            assert outgoing.problems_of(body) == []
        return bodies

    def only(self) -> Mapping[str, Any]:
        """Give the data of the one event since it was asked last."""
        [body] = self.told()
        data: dict[str, Any] = body["data"]
        return data


def _body(one: Notification) -> dict[str, Any]:
    payload = feed.opened_payload(one.content.body)
    assert payload is not None
    body: dict[str, Any] = orjson.loads(body_of(feed.delivery_of(vars(one), payload=payload)))
    return body


def make_desk(**options: Any) -> Desk:
    application = make.make_application(**options)
    make.make_channel(application, Channel.WEBHOOKS)
    organization = application.organization
    return Desk(
        application=application,
        hook=make.make_subscription(application, format=WebhookFormat.BOOKING),
        agent=make.make_user(organization, first_name="Grace", last_name="Hopper"),
        colleague=make.make_user(organization, first_name="Alan", last_name="Turing"),
        supervisor=make.make_user(organization, [Role.SUPERVISOR]),
    )


def as_customer(one: Participant) -> Actor:
    """Act as a customer does on its own pages."""
    return Actor(
        kind=ActorKind.CUSTOMER,
        id=str(one.id),
        organization_id=one.organization_id,
        origin="page",
    )
