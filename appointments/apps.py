from importlib import import_module

from django.apps import AppConfig


class AppointmentsConfig(AppConfig):
    name = "appointments"

    def ready(self) -> None:
        """Hear what happens to appointments, and say what is kept and who holds their tickets."""
        import_module("appointments.booking_subscriber")
        import_module("appointments.subscribers")
        upkeep = import_module("appointments.services.upkeep")
        purging = import_module("notifications.services.purging")
        purging.keep_while("appointment", upkeep.is_to_come)
        tickets = import_module("appointments.services.tickets")
        tokens = import_module("agents.services.tokens")
        tokens.register_customer_lookup(
            lookup_ticket=tickets.pass_of_ticket, lookup_participant=tickets.pass_of_participant
        )
