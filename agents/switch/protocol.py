"""What a switch can be told, and what it tells: the embedded one is only the first.

Who asks, for which call, and whether its capabilities allow that, has been checked before under
the locks of the exchange (cc.lifecycle.switch.r12). A command changes the calls of the exchange
and says what desktops are to hear; whatever a switch cannot do then, it tells with
`Exchange.failed`, which answers the request with success and the desktop with an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from agents.models import Call, Device, Leg
from agents.switch.exchange import Exchange

UserData = Mapping[str, object]


class Switch(Protocol):
    """Commands to the switch (contract, embedded_switch.adapter)."""

    # Devices. Their rows are written already; what a switch does about them it does with these.

    def login(self, device: Device) -> None:
        """Let a device dial and be called: its user has logged in on it."""

    def logout(self, device: Device) -> None:
        """Let a device neither dial nor be called any more."""

    def set_forwarding(self, device: Device) -> None:
        """Let calls of a device ring where its row says, or on itself again."""

    def set_do_not_disturb(self, device: Device) -> None:
        """Let a device be busy for everybody, or not any more, as its row says."""

    # Calls.

    def dial(self, exchange: Exchange, device: Device, number: str, *, user_data: UserData) -> None:
        """Call a number from a device."""

    def answer(self, exchange: Exchange, leg: Leg) -> None:
        """Answer a call that rings."""

    def release(self, exchange: Exchange, leg: Leg) -> None:
        """Leave a call, and end it when one party is left."""

    def hold(self, exchange: Exchange, leg: Leg) -> None:
        """Put a call on hold."""

    def retrieve(self, exchange: Exchange, leg: Leg) -> None:
        """Take a call back from hold."""

    def single_step_transfer(self, exchange: Exchange, leg: Leg, number: str) -> None:
        """Hand a call over to a number at once."""

    def single_step_conference(self, exchange: Exchange, leg: Leg, number: str) -> None:
        """Add a number to a call at once."""

    def initiate_consultation(
        self, exchange: Exchange, leg: Leg, number: str, *, purpose: str, user_data: UserData
    ) -> None:
        """Hold a call and ask a number."""

    def complete_transfer(self, exchange: Exchange, leg: Leg, consult: Leg) -> None:
        """Hand a call over to whoever is being asked."""

    def complete_conference(self, exchange: Exchange, leg: Leg, consult: Leg) -> None:
        """Take whoever was asked into the call."""

    def swap(self, exchange: Exchange, leg: Leg, other: Leg) -> None:
        """Hold one of two calls and retrieve the other."""

    def merge(self, exchange: Exchange, leg: Leg, other: Leg) -> None:
        """Take all parties of another call into a call."""

    def remove_party(self, exchange: Exchange, leg: Leg, party: Leg) -> None:
        """Remove a party from a conference."""

    def mute(self, exchange: Exchange, leg: Leg) -> None:
        """Mute a party."""

    def unmute(self, exchange: Exchange, leg: Leg) -> None:
        """Let a party be heard again."""

    def send_dtmf(self, exchange: Exchange, leg: Leg, digits: str) -> None:
        """Send dial tones."""

    def set_user_data(self, exchange: Exchange, call: Call, user_data: UserData) -> None:
        """Replace what is attached to a call."""

    def start_monitoring(self, exchange: Exchange, device: Device) -> None:
        """Let whoever monitors a device, as its row says, join the call that goes on there."""

    def stop_monitoring(self, exchange: Exchange, device: Device) -> None:
        """Let whoever monitors a device leave its calls; the row still says who it is."""

    # What happens outside.

    def call_offered(
        self, exchange: Exchange, number: str, *, caller: str, user_data: UserData
    ) -> Call | None:
        """Take in a call from outside; None when nobody can be called."""

    def outside_answered(self, exchange: Exchange, call: Call) -> None:
        """Let the party outside, that was ringing, be in the call."""

    def outside_released(self, exchange: Exchange, call: Call) -> None:
        """Let the parties outside leave the call."""

    def not_answered(self, exchange: Exchange, leg: Leg) -> None:
        """End a ringing that nobody has answered."""

    def offer(self, exchange: Exchange, call: Call) -> None:
        """Let a call that waits in a queue ring where somebody has become free."""
