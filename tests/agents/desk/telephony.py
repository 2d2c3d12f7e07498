"""Agents with a telephone each, who call one another by the API of their desktops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agents.models import Device, Leg, Organization, PushMessage, User, WorkState
from config.kernel.actors import Role
from tests.agents.desk.desk import OK, Desktop, make_active_device, make_agent, make_house

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

# What each state offers while nothing else is on the device, and the call has two parties.
DATA = ["AttachUserData", "UpdateUserData", "DeleteUserData", "DeleteUserDataPair"]
TO_OTHERS = [
    "SingleStepTransfer",
    "SingleStepConference",
    "InitiateTransfer",
    "InitiateConference",
]
DIALING = ["Hangup", "SendDtmf", *DATA]
RINGING = ["Answer", "Hangup", *DATA]
ESTABLISHED = ["Hangup", "Hold", *TO_OTHERS, "SendDtmf", "MuteCall", *DATA]
HELD = ["Hangup", "Retrieve", *TO_OTHERS, *DATA]
# Told on the topic of calls: why, of which call, and how it stands.
Heard = tuple[str, str, str]


class Phone:
    """Somebody at a desktop, logged in on one telephone."""

    def __init__(
        self,
        house: Organization | None = None,
        *,
        roles: tuple[Role, ...] = (Role.AGENT,),
        state: WorkState = WorkState.NOT_READY,
        **fields: Any,
    ) -> None:
        self.user: User = make_agent(house, roles)
        self.device: Device = make_active_device(self.user, state, **fields)
        self.desktop = Desktop(self.user)
        self._heard = 0

    @property
    def number(self) -> str:
        return self.device.phone_number

    @property
    def path(self) -> str:
        return f"/devices/{self.device.pk}/calls"

    def dial(self, destination: object, **members: object) -> Answer:
        """Call somebody, by number."""
        return self.desktop.post(self.path, "Dial", destination=destination, **members)

    def ask(self, operation: str, call: str = "", **members: object) -> Answer:
        """Ask for an operation on a call; without one on the only one there is."""
        return self.desktop.post(f"/me/calls/{call or self.only}", operation, **members)

    def do(self, operation: str, call: str = "", **members: object) -> None:
        """Carry out an operation that is taken."""
        answer = self.ask(operation, call, **members)
        assert (answer.status_code, answer.json()) == (200, OK), answer.json()

    def calls(self) -> list[dict[str, Any]]:
        """Give the calls of the desktop, the oldest first."""
        found: list[dict[str, Any]] = self.desktop.get("/me/calls", fields="*").json()["calls"]
        return found

    @property
    def only(self) -> str:
        """The id of the only call there is."""
        [leg] = Leg.objects.filter(user=self.user, released_at__isnull=True)
        return leg.call.number

    def call(self, call: str = "") -> dict[str, Any]:
        """Give one call as the desktop sees it."""
        found: dict[str, Any] = self.desktop.get(f"/me/calls/{call or self.only}").json()["call"]
        return found

    @property
    def states(self) -> dict[str, str]:
        """How each call stands, by its id."""
        return {call["id"]: call["state"] for call in self.calls()}

    def offered(self, call: str = "") -> list[str]:
        """Give what can be done with a call."""
        found: list[str] = self.call(call)["capabilities"]
        return found

    def messages(self) -> list[dict[str, Any]]:
        """Give what the desktop was told of calls since it was last asked this."""
        rows = PushMessage.objects.filter(user=self.user, sequence__gt=self._heard)
        found = list(rows.order_by("sequence"))
        if found:
            self._heard = found[-1].sequence
        return [one.data for one in found if one.topic == "/v2/me/calls"]

    def heard(self) -> list[Heard]:
        """Give the same in three words each."""
        return [
            (one["notificationType"], one["call"]["id"], one["call"]["state"])
            for one in self.messages()
        ]


def make_phones(count: int, **fields: Any) -> list[Phone]:
    """Let some agents of one organisation be logged in, each on a telephone of its own."""
    house = make_house()
    return [Phone(house, **fields) for _ in range(count)]


def deaf(*phones: Phone) -> None:
    """Let the desktops have read what they were told so far."""
    for phone in phones:
        phone.messages()


def connect(caller: Phone, called: Phone) -> str:
    """Let two talk with each other; give the id of their call."""
    assert caller.dial(called.number).json() == OK
    [call] = [one for one, state in caller.states.items() if state == "Dialing"]
    called.do("Answer", call)
    deaf(caller, called)
    return call


def consult(asking: Phone, call: str, asked: Phone, operation: str = "InitiateTransfer") -> str:
    """Let somebody ask a colleague during a call; give the id of the new call, which rings."""
    asking.do(operation, call, destination={"phoneNumber": asked.number})
    [new] = [one for one, state in asking.states.items() if state == "Dialing"]
    return new


def confer(first: Phone, second: Phone, third: Phone) -> str:
    """Let three talk with each other; give the id of their call."""
    call = connect(first, second)
    first.do("SingleStepConference", call, destination=third.number)
    third.do("Answer", call)
    deaf(first, second, third)
    return call
