"""Load the demonstration data."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from agents.services.demo import load_demo
from appointments.services.demo import load_catalogue


def _is_local() -> bool:
    # Whoever serves others has to set PUBLIC_URL: links lead there.
    host = urlsplit(settings.PUBLIC_URL).hostname
    return bool(settings.LOCAL) or host in {"127.0.0.1", "::1", "localhost"}


class Command(BaseCommand):
    help = (
        "Loads two demonstration organisations, Northwind Care and Contoso Bank, each with an"
        " application, a supervisor, an administrator, three agents, an API client, a catalogue,"
        " templates and reminders, and shows how to log in. It can be run again at any time:"
        " nothing is made twice, and the passwords become again what is shown."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the output, and the consent where it is needed."""
        parser.add_argument(
            "--json", action="store_true", help="Print everything as one JSON object."
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Load it on an installation with a public address, too.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, then print.

        Raises CommandError.
        """
        if not (_is_local() or options["force"]):
            raise CommandError(
                "This installation has a public address, and the passwords of the demonstration"
                " data are public: whoever reads our source could log in. Say --force if that is"
                " what you want."
            )
        demo = load_demo()
        load_catalogue()
        if options["json"]:
            self.stdout.write(json.dumps(demo, ensure_ascii=False))
            return
        for organization in demo["organizations"]:
            self._show(organization)

    def _show(self, organization: dict[str, Any]) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(organization["name"]))
        for application in organization["applications"]:
            self.stdout.write(f"  application  {application['id']}  {application['name']}")
        for user in organization["users"]:
            role = ", ".join(user["roles"]).replace("ROLE_", "").lower()
            self.stdout.write(f"  {role:<11}  {user['username']:<34}  {user['password']}")
        for client in organization["clients"]:
            self.stdout.write(f"  API client   {client['client_id']}  {client['client_secret']}")
