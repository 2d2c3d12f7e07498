"""Commands of the ledger: plan, cancel, refresh; and the dispatch of what is due."""

from notifications.services.forgetting import erase_forgotten, forget
from notifications.services.planning import Planner, Recipient, Topic
from notifications.services.unsent import cancel, refresh
from notifications.services.upkeep import Operations, operations

__all__ = [
    "Operations",
    "Planner",
    "Recipient",
    "Topic",
    "cancel",
    "erase_forgotten",
    "forget",
    "operations",
    "refresh",
]
