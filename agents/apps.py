from importlib import import_module

from django.apps import AppConfig


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "People and organisations"

    def ready(self) -> None:
        """Register the checks, and have the workers send one-time codes."""
        # Models can be imported only from here on.
        import_module("agents.checks")
        chores = import_module("notifications.services.chores")
        code_sending = import_module("agents.services.code_sending")
        chores.sweep_too("codes", code_sending.send_codes)
