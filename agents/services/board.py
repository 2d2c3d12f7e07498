"""Who works here, how ready everybody is, who talks with whom, and who waits: read at one moment.

What changes afterwards is told on the topic of the board, in the same words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce, Lower

from agents import desk_wire
from agents.agent_states import Descriptors
from agents.desk_wire import JsonObject
from agents.models import (
    Call,
    Device,
    Leg,
    LegState,
    MediaChannel,
    Medium,
    Queue,
    StateInterval,
    TeamMember,
    User,
    UserSkill,
)
from config.kernel import prepared
from config.kernel.actors import Actor, Role
from config.kernel.time import format_instant

_QUEUES = f"""
    SELECT queue.organization_id, queue.id, queue.name, queue.phone_number,
        count(call.id), min(call.began_at)
    FROM {Queue._meta.db_table} AS queue
    LEFT JOIN {Call._meta.db_table} AS call
        ON call.organization_id = queue.organization_id AND call.ended_at IS NULL
        AND call.waits_in_id = queue.id
    WHERE queue.organization_id = ANY(%s::uuid[]) AND queue.medium = %s
    GROUP BY queue.id ORDER BY queue.organization_id, lower(queue.name), queue.id
"""  # noqa: S608  # our own tables


def picture_for(actor: Actor, *, now: datetime) -> JsonObject:
    """Give what a supervisor's board shows of its organisation, in a fixed number of statements.

    Raises ValueError for an operator of the installation.
    """
    if actor.organization_id is None:
        raise ValueError("Operators of the installation have no board.")
    house = actor.organization_id
    descriptors = Descriptors.of(house)
    devices, channels = _devices(actor, descriptors), _channels(actor, descriptors)
    calls = _calls(actor)
    people = [
        {
            "id": str(id_),
            "name": f"{first} {last}".strip() or username,
            "teams": teams,
            "skills": skills,
            "devices": devices[id_],
            "channels": channels[id_],
            "calls": calls[id_],
        }
        for id_, first, last, username, teams, skills in _people(actor)
    ]
    return {"at": now, "people": people, "queues": queues_of([house])[house]}


def queues_of(organization_ids: Collection[UUID]) -> dict[UUID, list[JsonObject]]:
    """Give the queues for calls of some organisations: how many wait in each, and since when."""
    found: dict[UUID, list[JsonObject]] = defaultdict(list)
    params = [list(organization_ids), str(Medium.VOICE)]
    for house, id_, name, number, waiting, since in prepared.fetch(_QUEUES, params):
        queue = {"id": str(id_), "name": name, "phoneNumber": number, "waiting": waiting}
        found[house].append({**queue, "since": format_instant(since) if since else None})
    return found


def _people(actor: Actor) -> Iterable[tuple[Any, ...]]:
    """Give those who can have a desk, by name."""
    teams = TeamMember.objects.filter(user_id=OuterRef("pk")).order_by(Lower("team__name"))
    skills = UserSkill.objects.filter(user_id=OuterRef("pk")).order_by(Lower("skill__name"))
    rows = User.objects.visible_to(actor).filter(
        is_active=True, roles__overlap=[Role.AGENT, Role.SUPERVISOR]
    )
    found: Iterable[tuple[Any, ...]] = rows.order_by(
        Lower("last_name"), Lower("first_name"), "pk"
    ).values_list(
        "pk",
        "first_name",
        "last_name",
        "username",
        ArraySubquery(teams.values("team__name")),
        ArraySubquery(skills.values("skill__name")),
    )
    return found


def _devices(actor: Actor, descriptors: Descriptors) -> dict[UUID, list[JsonObject]]:
    rows = Device.objects.visible_to(actor).filter(user__isnull=False)
    history = StateInterval.objects.filter(device_id=OuterRef("pk"), user_id=OuterRef("user_id"))
    found: dict[UUID, list[JsonObject]] = defaultdict(list)
    for row in rows.annotate(since=_since(history)).order_by("phone_number", "pk"):
        device = {
            "id": str(row.pk),
            "phoneNumber": row.phone_number,
            "deviceState": "Active" if row.is_active else "Inactive",
            "userState": desk_wire.user_state_json(row.shown, descriptors),
            "doNotDisturb": desk_wire.on_or_off(row.do_not_disturb),
            "forwardTo": row.forward_to,
            "since": row.since,
        }
        if row.user_id is not None:
            found[row.user_id].append(device)
    return found


def _channels(actor: Actor, descriptors: Descriptors) -> dict[UUID, list[JsonObject]]:
    rows = MediaChannel.objects.visible_to(actor)
    history = StateInterval.objects.filter(
        device_id__isnull=True, user_id=OuterRef("user_id"), medium=OuterRef("medium")
    )
    found: dict[UUID, list[JsonObject]] = defaultdict(list)
    for row in rows.annotate(since=_since(history)).order_by("medium"):
        found[row.user_id].append(
            {
                "channel": row.medium,
                "userState": desk_wire.user_state_json(row.shown, descriptors),
                "dndState": desk_wire.on_or_off(row.do_not_disturb),
                "since": row.since,
            }
        )
    return found


def _since(history: QuerySet[StateInterval]) -> Case:
    """Give since when something is shown as it is: only under do-not-disturb is that not kept."""
    latest = history.filter(period__endswith__isnull=True).values("period__startswith")[:1]
    return Case(
        When(Q(do_not_disturb=True), then=Coalesce(Subquery(latest), F("state_since"))),
        default=F("state_since"),
    )


def _calls(actor: Actor) -> dict[UUID, list[JsonObject]]:
    """Give everybody's calls as its telephones have them."""
    rows = Leg.objects.visible_to(actor).filter(
        call__in=Call.objects.visible_to(actor).filter(ended_at__isnull=True),
        released_at__isnull=True,
    )
    of_calls: dict[UUID, list[Leg]] = defaultdict(list)
    for leg in rows.select_related("call__waits_in").order_by("call__began_at", "id"):
        of_calls[leg.call_id].append(leg)
    found: dict[UUID, list[JsonObject]] = defaultdict(list)
    for legs in of_calls.values():
        for leg in legs:
            if leg.user_id is not None:
                found[leg.user_id].append(_call(leg, legs))
    return found


def _call(leg: Leg, legs: Sequence[Leg]) -> JsonObject:
    call, is_answered = leg.call, leg.state in (LegState.ESTABLISHED, LegState.HELD)
    others = [one.phone_number for one in legs if one is not leg]
    if not others:
        others = [call.waits_in.phone_number if call.waits_in else call.dnis]
    return {
        "id": call.number,
        "callType": call.type,
        "ani": call.ani,
        "dnis": call.dnis,
        "phoneNumber": leg.phone_number,
        "state": leg.state,
        "mute": desk_wire.on_or_off(leg.is_muted),
        "participants": others,
        "since": (leg.established_at if is_answered else None) or leg.began_at,
    }
