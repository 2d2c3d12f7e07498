"""Whether a kept connection still stands, told without a round trip."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL as Django knows it; a health check (CONN_HEALTH_CHECKS) looks at the socket."""

    def is_usable(self) -> bool:
        """Tell whether the server has kept the connection.

        A server that is not asked says nothing: what can be read from an idle connection is its
        farewell. `SELECT 1` at each request would cost as much as who is asking.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN | select.POLLHUP | select.POLLERR)
        return not poll.poll(0)
