"""The demonstration organisations' telephones, places, logins and queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from agents.models import (
    AgentLogin,
    AgentState,
    Device,
    Organization,
    Place,
    PlaceDevice,
    Queue,
    QueueMember,
    Seat,
    User,
    WorkMode,
    WorkState,
)
from agents.models.tenancy import Feature

Key = Callable[[str], UUID]

# The first telephone; the others follow. Each stands at a place that is somebody's own.
_FIRST_NUMBER = 5001
_QUEUE_NUMBER = "4000"


def load_desk(organization: Organization, people: Sequence[User], key: Key) -> None:
    """Make sure that people have a telephone each; what somebody has changed stays as it is.

    `people` are supervisors and agents, in an order that does not change.
    """
    for model in (Device, Place):
        if model._default_manager.filter(organization=organization).exists():
            return
    organization.features = [str(feature) for feature in Feature]
    organization.save(update_fields=["features"])
    for number, person in enumerate(people, _FIRST_NUMBER):
        _seat(organization, person, str(number), key)
    queue = Queue.objects.create(
        id=key("queue"),
        organization=organization,
        name="Service",
        phone_number=_QUEUE_NUMBER,
    )
    QueueMember.objects.bulk_create(
        QueueMember(
            id=key(f"queue/{person.username}"),
            organization=organization,
            queue=queue,
            user=person,
        )
        for person in people
        if person.is_agent
    )
    AgentState.objects.create(
        id=key("state/lunch"),
        organization=organization,
        operation_name="OutToLunch",
        display_name="Out to lunch",
        state=WorkState.NOT_READY,
        work_mode=WorkMode.AUX_WORK,
        reason="Lunch",
    )


def _seat(organization: Organization, person: User, number: str, key: Key) -> None:
    device = Device.objects.create(
        id=key(f"device/{number}"), organization=organization, phone_number=number
    )
    place = Place.objects.create(
        id=key(f"place/{number}"), organization=organization, name=f"Desk {number}"
    )
    PlaceDevice.objects.create(
        id=key(f"place/{number}/device"), organization=organization, place=place, device=device
    )
    AgentLogin.objects.create(
        id=key(f"login/{number}"), organization=organization, user=person, code=number
    )
    Seat.objects.create(
        id=key(f"seat/{number}"), organization=organization, user=person, place=place
    )
