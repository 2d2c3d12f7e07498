"""What tests of the desk are about: agents with telephones, and the desktops that they use."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.test import Client

from agents.models import (
    AgentLogin,
    AgentState,
    Device,
    MediaChannel,
    Organization,
    Place,
    PlaceDevice,
    PushMessage,
    Queue,
    QueueMember,
    Seat,
    StateInterval,
    User,
    WorkState,
)
from agents.models.tenancy import Feature
from config.kernel.actors import Role
from tests.contract import desk as contract
from tests.contract.state import everything
from tests.make import PASSWORD, make_organization, make_user

if TYPE_CHECKING:
    # Known to the stubs only: HttpResponse with .json().
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

OK = {"statusCode": 0}
STATUS_OK = {"statusCode": 0, "status": "ok"}
READY = {
    "id": "9430250E-0A1B-421F-B372-F29E69366DED",
    "displayName": "Ready",
    "state": "Ready",
}
NOT_READY = {
    "id": "900D55CC-2BB0-431F-8BF9-D3525B383BE6",
    "displayName": "Not Ready",
    "state": "NotReady",
}
LOGGED_OUT = {
    "id": "0F7F5003-EF26-4D13-A6Ef-D0C7EC819BEB",
    "displayName": "Offline",
    "state": "Logout",
}
_numbers = count(5001)


def make_house(*features: Feature) -> Organization:
    """Make an organisation that has all parts of the desk, or some of them."""
    return make_organization(features=[str(one) for one in features or Feature])


def make_agent(
    house: Organization | None = None,
    roles: tuple[Role, ...] | list[Role] = (Role.AGENT,),
    **fields: Any,
) -> User:
    """Make an agent of an organisation that has all parts of the desk."""
    return make_user(house or make_house(), roles, **fields)


def make_device(
    user: User | None = None, *, house: Organization | None = None, **fields: Any
) -> Device:
    """Make a telephone that nobody is logged in on; assigned to somebody who is given."""
    owner = house or (user.organization if user else None) or make_house()
    fields.setdefault("phone_number", str(next(_numbers)))
    return Device.objects.create(organization=owner, user=user, **fields)


def make_active_device(user: User, state: WorkState = WorkState.NOT_READY, **fields: Any) -> Device:
    """Make a telephone that somebody is logged in on, not ready unless told otherwise."""
    return make_device(user, is_active=True, state=state, **fields)


def make_channel(
    user: User, medium: str, state: WorkState = WorkState.NOT_READY, **fields: Any
) -> MediaChannel:
    """Let somebody be logged in on e-mail or chat, not ready unless told otherwise."""
    return MediaChannel.objects.create(
        organization_id=house_of(user),
        user=user,
        medium=medium,
        state=state,
        is_open=True,
        **fields,
    )


def make_place(*devices: Device, name: str = "") -> Place:
    """Make a place where telephones stand, in this order."""
    house = devices[0].organization_id
    place = Place.objects.create(organization_id=house, name=name or f"Place {next(_numbers)}")
    for order, device in enumerate(devices):
        PlaceDevice.objects.create(organization_id=house, place=place, device=device, order=order)
    return place


def make_seat(user: User, place: Place) -> Seat:
    """Let somebody log in at a place without saying so."""
    return Seat.objects.create(organization_id=house_of(user), user=user, place=place)


def make_login(user: User, code: str = "") -> AgentLogin:
    """Give somebody a code to log in with."""
    return AgentLogin.objects.create(
        organization_id=house_of(user), user=user, code=code or f"login-{next(_numbers)}"
    )


def make_queue(*agents: User, name: str = "", **fields: Any) -> Queue:
    """Make a queue that some agents of one organisation answer, with a number of its own."""
    fields.setdefault("phone_number", str(next(_numbers)))
    house = house_of(agents[0])
    queue = Queue.objects.create(
        organization_id=house, name=name or f"Queue {next(_numbers)}", **fields
    )
    for agent in agents:
        QueueMember.objects.create(organization_id=house, queue=queue, user=agent)
    return queue


def make_state(user: User, operation_name: str = "OutToLunch", **fields: Any) -> AgentState:
    """Give somebody's organisation a state of its own: out to lunch, unless told otherwise."""
    defaults = {
        "display_name": "Out to lunch",
        "state": WorkState.NOT_READY,
        "work_mode": "AuxWork",
        "reason": "Lunch",
    }
    return AgentState.objects.create(
        organization_id=house_of(user),
        operation_name=operation_name,
        **{**defaults, **fields},
    )


def told(user: User, topic: str = "") -> list[dict[str, Any]]:
    """Give what somebody's desktops are told in its order, all of it or on one topic."""
    rows = PushMessage.objects.filter(user=user).order_by("sequence")
    return [one.data for one in rows if one.topic == (topic or one.topic)]


def told_of_devices(user: User) -> list[list[dict[str, Any]]]:
    """Give the devices of each message about devices."""
    return [data["devices"] for data in told(user, "/v2/me/devices")]


def told_of_channels(user: User) -> list[list[dict[str, Any]]]:
    """Give the channels of each message about channels."""
    return [data["channels"] for data in told(user, "/v2/me/channels")]


def history(user: User, medium: str = "voice") -> list[tuple[str, datetime, datetime | None]]:
    """Give how ready somebody was on a medium, and from when to when."""
    rows = StateInterval.objects.filter(user=user, medium=medium)
    return [(one.state, one.period.lower, one.period.upper) for one in rows.order_by("period")]


def stored() -> dict[str, str]:
    """Give a digest of every table but those that every request with a password writes."""
    proofs = ("agents_deskcookie", "agents_securitycounter")
    return {name: digest for name, digest in everything().items() if name not in proofs}


class Desktop:
    """A desktop that proves itself by user name and password on every request.

    Each answer is held against the contract; `held=False` is for rules that go beyond their schema.
    """

    def __init__(self, user: User, password: str = PASSWORD, *, held: bool = True) -> None:
        self.user, self._held = user, held
        self.client = Client()
        proof = base64.b64encode(f"{user.username}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {proof}"}

    def get(self, path: str, **query: str) -> Answer:
        """Read."""
        answer = self.client.get(f"/api/v2{path}", query, headers=self._headers)
        return self._checked("GET", path, None, answer)

    def post(self, path: str, operation_name: str = "", **members: object) -> Answer:
        """Carry out an operation, or create."""
        named = {"operationName": operation_name} if operation_name else {}
        return self.send("POST", path, {**named, **members})

    def put(self, path: str, **members: object) -> Answer:
        """Change."""
        return self.send("PUT", path, members)

    def delete(self, path: str) -> Answer:
        """Delete."""
        answer = self.client.delete(f"/api/v2{path}", headers=self._headers)
        return self._checked("DELETE", path, None, answer)

    def send(self, method: str, path: str, body: object) -> Answer:
        """Send a body, whatever it is."""
        answer = self.client.generic(
            method,
            f"/api/v2{path}",
            json.dumps(body),
            content_type="application/json",
            headers=self._headers,
        )
        return self._checked(method, path, body, answer)

    def _checked(self, method: str, path: str, body: object, answer: Answer) -> Answer:
        if self._held:
            contract.check(method, f"/api/v2{path}", body, answer)
        return answer


def house_of(user: User) -> UUID:
    """Give somebody's organisation. Raises ValueError for an operator."""
    if user.organization_id is None:
        raise ValueError("Operators have no desk.")
    return user.organization_id
