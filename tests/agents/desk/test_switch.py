"""The switch that is built in, held against what every switch must do."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from agents.checks import check_switch
from agents.models import Device
from agents.services import desk_calls
from agents.switch import selected
from agents.switch.embedded import EmbeddedSwitch
from agents.switch.protocol import Switch
from tests.agents.desk.desk import make_active_device, make_agent
from tests.agents.desk.switch_contract import SwitchContract

pytestmark = pytest.mark.django_db


@pytest.mark.rule(
    "cc.lifecycle.switch.r1",
    "cc.lifecycle.switch.r2",
    "cc.lifecycle.switch.r3",
    "cc.lifecycle.switch.r4",
    "cc.lifecycle.switch.r5",
    "cc.lifecycle.switch.r6",
    "cc.lifecycle.switch.r7",
    "cc.lifecycle.switch.r13",
)
class TestEmbeddedSwitch(SwitchContract):
    switch = "agents.switch.embedded.EmbeddedSwitch"


class Noting(EmbeddedSwitch):
    """A switch with telephones of its own: it notes what it is told of them."""

    told: ClassVar[list[str]] = []

    def login(self, device: Device) -> None:
        self.told.append(f"login {device.phone_number}")

    def logout(self, device: Device) -> None:
        self.told.append(f"logout {device.phone_number}")

    def set_forwarding(self, device: Device) -> None:
        self.told.append(f"forward {device.forward_to}")

    def set_do_not_disturb(self, device: Device) -> None:
        self.told.append(f"disturb {device.do_not_disturb}")


def test_a_switch_is_told_what_becomes_of_telephones(settings: Any) -> None:
    settings.AGENTS_SWITCH = f"{__name__}.Noting"
    before = {"is_active": False, "forward_to": "", "do_not_disturb": False}
    device = make_active_device(make_agent(), forward_to="12", do_not_disturb=True)

    desk_calls.device_changed(device, before)

    noting: Switch = selected.switch()
    assert isinstance(noting, Noting)
    assert noting.told == [f"login {device.phone_number}", "forward 12", "disturb True"]


def test_a_switch_that_is_not_there_is_found_at_start(settings: Any) -> None:
    assert check_switch() == []
    settings.AGENTS_SWITCH = "agents.switch.another.Switch"

    assert [problem.id for problem in check_switch()] == ["agents.E023"]
