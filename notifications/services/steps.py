"""The one way into the history: each change of a notification is a row of it."""

from __future__ import annotations

# When a change of the ledger was made, for the SET of its UPDATE, whose alias is `notification`:
# by the database's clock, and after every change before it, whoever's clock was ahead.
DATED = (
    "updated_at = greatest("
    "statement_timestamp(), notification.updated_at + interval '1 microsecond')"
)


def noted(source: str, *, message: str = "message", tells: bool = False) -> str:
    """Give the INSERT that writes down a change of the ledger in the statement that makes it.

    `source` is a name of that statement: notifications as they are now, and an `event_id` of each.
    `message` is an expression. With `tells` the step has what the provider said.
    """
    said = "error_message, message_id" if tells else "'', ''"
    return f"""
    INSERT INTO notification_event (
        id, organization_id, notification_id, at, status, provider_status, attempt, retry_count,
        poll_attempts, next_at, is_submitted, message, error_message, message_id,
        conversation_id)
    SELECT event_id, organization_id, id, updated_at, status, provider_status, attempt,
        retry_count, poll_attempts, CASE WHEN lease_until IS NULL THEN due_at END, is_submitted,
        {message}, {said}, conversation_id
    FROM {source}
    """
