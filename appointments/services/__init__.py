"""Commands of this app: each is one thing that a user, a customer or the clock can ask for."""

from appointments.services.booking import (
    Booking,
    CustomerData,
    Target,
    prove_booker,
    schedule_appointment,
    schedule_as_customer,
)
from appointments.services.case import Case, read_case
from appointments.services.changes import (
    CustomerChange,
    activate_appointment,
    reassign_appointment,
    reschedule_appointment,
    update_appointment,
)
from appointments.services.deleting import cancel_appointment, delete_appointment
from appointments.services.history import (
    cancel_notification,
    may_act_by_hand,
    read_notification_events,
    read_notifications,
    retry_notification,
)
from appointments.services.interaction import (
    accept_interaction,
    report_failure,
    update_interaction,
)
from appointments.services.lifecycle import finish_due_appointments
from appointments.services.participants import (
    add_agent,
    add_customer,
    read_participant,
    remove_participant,
    set_participant_state,
)
from appointments.services.routing import Routing
from appointments.services.tickets import access_url, find_ticket
from appointments.services.upkeep import compact_totals, erase_expired_details

__all__ = [
    "Booking",
    "Case",
    "CustomerChange",
    "CustomerData",
    "Routing",
    "Target",
    "accept_interaction",
    "access_url",
    "activate_appointment",
    "add_agent",
    "add_customer",
    "cancel_appointment",
    "cancel_notification",
    "compact_totals",
    "delete_appointment",
    "erase_expired_details",
    "find_ticket",
    "finish_due_appointments",
    "may_act_by_hand",
    "prove_booker",
    "read_case",
    "read_notification_events",
    "read_notifications",
    "read_participant",
    "reassign_appointment",
    "remove_participant",
    "report_failure",
    "reschedule_appointment",
    "retry_notification",
    "schedule_appointment",
    "schedule_as_customer",
    "set_participant_state",
    "update_appointment",
    "update_interaction",
]
