from importlib import import_module

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        """Have the owners of webhooks told, and what mail providers report written down."""
        # Models can be imported only from here on.
        chores = import_module("notifications.services.chores")
        owners = import_module("notifications.services.owners")
        chores.sweep_too("webhook-owners", owners.tell_owners)
        import_module("notifications.checks")
        import_module("notifications.tracking").listen()
