"""What lies beside the resources of desktops: nothing, and that is said in their words."""

from __future__ import annotations

from agents.api.desk.base import ANYBODY, DeskRequest, DeskView, Operation
from agents.errors_desk import NothingThere


def find_nothing(asked: DeskRequest, rest: str) -> None:
    """Say that there is nothing. Raises NothingThere."""
    raise NothingThere(what="resource")


class NothingView(DeskView):
    get = post = put = delete = Operation(find_nothing, ANYBODY)
