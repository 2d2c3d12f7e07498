"""What a webhook of an appointment carries: the appointment as the Appointments API v2 shows it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import orjson

from appointments.api.v2.wire import appointment_item
from config.kernel.actors import Actor

if TYPE_CHECKING:
    from collections.abc import Callable

    from appointments.services import Case


def payload_of(case: Case) -> Callable[[], bytes]:
    """Give what builds the payload: whoever changed it, subscribers see all of it."""
    actor = Actor.system(case.appointment.organization_id)
    return partial(_payload, replace(case, actor=actor))


def _payload(case: Case) -> bytes:
    return orjson.dumps(appointment_item(case))
