"""Webhook subscriptions: each operation reads, calls one service, and answers."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.base import Roles, SurfaceViewSet, parse
from agents.api.webhooks import filters, serializers, wire
from agents.api.webhooks.schema import documented
from agents.services.contacts import address_of
from config.kernel.actors import Role
from config.kernel.ids import parse_uuid
from config.kernel.pagination import envelope
from notifications.errors import SubscriptionNotFound
from notifications.services import subscriptions, trial

_STAFF = (Role.ADMIN, Role.SUPERVISOR)
_PROGRAMS_TOO = (*_STAFF, Role.CLIENT_SERVICE)


def _id(text: str) -> UUID:
    """Give a subscription's id; what has not the form of one is unknown."""
    key = parse_uuid(text)
    if key is None:
        raise SubscriptionNotFound
    return key


class SubscriptionViewSet(SurfaceViewSet):
    surface = "api/v2"
    roles: ClassVar[Roles] = {
        "list": _STAFF,
        "create": _STAFF,
        "retrieve": _STAFF,
        "update": _STAFF,
        "destroy": _STAFF,
        "renew_secret": _STAFF,
        "send_test": _STAFF,
        "events": _PROGRAMS_TOO,
        "replay": _PROGRAMS_TOO,
    }
    # It changes nothing, and no transaction is to be open while the receiver thinks.
    not_repeatable = frozenset({"send_test"})

    @documented("frontdesk.webhooks.list")
    def list(self, request: Request) -> Response:
        page = filters.list_page(request.query_params)
        found = subscriptions.list_subscriptions(
            page,
            application_id=filters.application_id(request.query_params),
            actor=self.actor,
        )
        content = [wire.subscription(one) for one in found.rows]
        return Response(envelope(content, found.total, page))

    @documented("frontdesk.webhooks.create")
    def create(self, request: Request) -> Response:
        data = parse(serializers.CreateSubscriptionRequest, request)
        made = subscriptions.create_subscription(
            data.pop("application_id"),
            serializers.data_of(data),
            default_contact=address_of(self.actor),
            actor=self.actor,
            now=timezone.now(),
        )
        return Response(wire.with_secret(made), status=201)

    @documented("frontdesk.webhooks.get")
    def retrieve(self, _request: Request, id: str) -> Response:
        found = subscriptions.read_subscription(_id(id), actor=self.actor)
        return Response(wire.subscription(found))

    @documented("frontdesk.webhooks.update")
    def update(self, request: Request, id: str) -> Response:
        data = parse(serializers.UpdateSubscriptionRequest, request)
        changed = subscriptions.update_subscription(
            _id(id), serializers.data_of(data), actor=self.actor, now=timezone.now()
        )
        return Response(wire.subscription(changed))

    @documented("frontdesk.webhooks.delete")
    def destroy(self, _request: Request, id: str) -> Response:
        subscriptions.delete_subscription(_id(id), actor=self.actor, now=timezone.now())
        return Response(status=204)

    @documented("frontdesk.webhooks.secret")
    def renew_secret(self, _request: Request, id: str) -> Response:
        made = subscriptions.renew_secret(_id(id), actor=self.actor, now=timezone.now())
        return Response(wire.with_secret(made))

    @documented("frontdesk.webhooks.test")
    def send_test(self, _request: Request, id: str) -> Response:
        found = trial.send_test(_id(id), actor=self.actor, now=timezone.now())
        return Response(wire.trial(found))

    @documented("frontdesk.webhooks.events")
    def events(self, request: Request, id: str) -> Response:
        after, limit = filters.feed_part(request.query_params)
        page = subscriptions.read_events(_id(id), after=after, limit=limit, actor=self.actor)
        return Response(wire.feed_page(page))

    @documented("frontdesk.webhooks.replay")
    def replay(self, request: Request, id: str) -> Response:
        data = parse(serializers.ReplayRequest, request)
        count = subscriptions.replay_events(_id(id), **data, actor=self.actor, now=timezone.now())
        return Response({"count": count}, status=202)
