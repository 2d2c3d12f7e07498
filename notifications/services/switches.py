"""The switches of an application: while one is off, what was planned before waits."""

from __future__ import annotations


def switched_off(notification: str) -> str:
    """Give the condition that a notification's application, or its channel, is switched off.

    `notification` is the name of the ledger in the statement; a channel without settings is on.
    """
    return f"""
    EXISTS (
        SELECT FROM notifications_channelsettings AS switch
        WHERE switch.application_id = {notification}.application_id
            AND switch.channel = {notification}.channel AND NOT switch.is_on
    ) OR EXISTS (
        SELECT FROM agents_application AS switch
        WHERE switch.id = {notification}.application_id AND NOT switch.notifications_active
    )
    """
