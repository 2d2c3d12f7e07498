"""Commands of this app: each is one thing that a user, a customer or the clock can ask for."""

from appointments.services.answers import GivenAnswer
from appointments.services.arranging import Arrangement
from appointments.services.booking import (
    Booking,
    CustomerData,
    Draft,
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
from appointments.services.closing import close_appointment, reopen_appointment
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
    end_interaction,
    report_failure,
    update_interaction,
)
from appointments.services.lifecycle import finish_due_appointments
from appointments.services.offered_times import take_offered_time
from appointments.services.own_details import (
    OwnDetails,
    Proofs,
    change_own_details,
    prove_addresses,
)
from appointments.services.participants import (
    add_agent,
    add_customer,
    read_participant,
    remove_participant,
    set_participant_state,
)
from appointments.services.requests import (
    accept_request,
    choose_time,
    invite_customers,
    request_alternative,
    request_appointment,
    request_other_time,
)
from appointments.services.routing import OLDER_ROUTING, Routing
from appointments.services.tickets import Admission, access_url, find_ticket, room_url
from appointments.services.upkeep import compact_totals, erase_expired_details

__all__ = [
    "OLDER_ROUTING",
    "Admission",
    "Arrangement",
    "Booking",
    "Case",
    "CustomerChange",
    "CustomerData",
    "Draft",
    "GivenAnswer",
    "OwnDetails",
    "Proofs",
    "Routing",
    "Target",
    "accept_interaction",
    "accept_request",
    "access_url",
    "activate_appointment",
    "add_agent",
    "add_customer",
    "cancel_appointment",
    "cancel_notification",
    "change_own_details",
    "choose_time",
    "close_appointment",
    "compact_totals",
    "delete_appointment",
    "end_interaction",
    "erase_expired_details",
    "find_ticket",
    "finish_due_appointments",
    "invite_customers",
    "may_act_by_hand",
    "prove_addresses",
    "prove_booker",
    "read_case",
    "read_notification_events",
    "read_notifications",
    "read_participant",
    "reassign_appointment",
    "remove_participant",
    "reopen_appointment",
    "report_failure",
    "request_alternative",
    "request_appointment",
    "request_other_time",
    "reschedule_appointment",
    "retry_notification",
    "room_url",
    "schedule_appointment",
    "schedule_as_customer",
    "set_participant_state",
    "take_offered_time",
    "update_appointment",
    "update_interaction",
]
