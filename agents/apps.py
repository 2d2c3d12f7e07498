from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_save


class AgentsConfig(AppConfig):
    name = "agents"
    verbose_name = "People and organisations"

    def ready(self) -> None:
        """Register the checks, and what the workers look for here."""
        # Models can be imported only from here on.
        import_module("agents.checks")
        chores = import_module("notifications.services.chores")
        code_sending = import_module("agents.services.code_sending")
        chores.sweep_too("codes", code_sending.send_codes)
        publisher = import_module("agents.cometd.publisher")
        chores.sweep_too("push", publisher.sweep)
        chores.sweep_too("pushed", publisher.purge)
        # The admin saves users too, and nobody else can tell.
        post_save.connect(publisher.forget_saved_user, sender=self.get_model("User"))
