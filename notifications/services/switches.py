"""The switches of an application: while one is off, what was planned before waits."""

from __future__ import annotations


def switched_off(of: str, *, channel: str = "", is_booking: str = "false") -> str:
    """Give the condition that an application, or one of its channels, is switched off.

    `of` is what the statement calls a row that has an `application_id`; `channel` is an expression,
    else the row has one too. A channel without settings is on. Where `is_booking` holds, the
    application's switch does not matter: the booking webhook keeps other systems up to date,
    whether or not anybody is notified.
    """
    return f"""
    EXISTS (
        SELECT FROM notifications_channelsettings AS switch
        WHERE switch.application_id = {of}.application_id
            AND switch.channel = {channel or f"{of}.channel"} AND NOT switch.is_on
    ) OR NOT ({is_booking}) AND EXISTS (
        SELECT FROM agents_application AS switch
        WHERE switch.id = {of}.application_id AND NOT switch.notifications_active
    )
    """
