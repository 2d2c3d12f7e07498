"""Make an organisation, with somebody who can administer it."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from agents.errors import WeakPassword
from agents.models import Application, Organization
from agents.services import staff
from config.kernel.actors import Actor, Role
from config.kernel.errors import DomainError

_ORIGIN = "manage.py"


class Command(BaseCommand):
    help = (
        "Makes an organisation with its default application and its first administrator, and"
        " prints their ids. Without --password-stdin the administrator gets a random password,"
        " which is printed once and has to be changed at the first login."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name, and who is to administer."""
        parser.add_argument("name", metavar="NAME", help="The name that people know it by.")
        parser.add_argument(
            "--admin",
            required=True,
            metavar="EMAIL",
            help="The user name of the first administrator, an e-mail address.",
        )
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="Read the administrator's password from the first line of the standard input.",
        )
        parser.add_argument(
            "--locale",
            default="en-US",
            metavar="LOCALE",
            help="The locale of the default application, for instance de-DE (en-US).",
        )
        parser.add_argument(
            "--timezone",
            default="UTC",
            metavar="ZONE",
            help="The time zone of the default application, for instance Europe/Berlin (UTC).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make both or neither, and print what is needed to go on.

        Raises CommandError.
        """
        given = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else None
        password = secrets.token_urlsafe(15) if given is None else given
        try:
            organization = self._create(password, is_given=given is not None, **options)
        except WeakPassword as error:
            raise CommandError(" ".join(error.errors["password"])) from None
        except DomainError as error:
            raise CommandError(error.text) from None
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        application = Application.objects.get(organization=organization)
        self.stdout.write(f"organization  {organization.pk}  {organization.name}")
        self.stdout.write(f"application   {application.pk}  {application.name}")
        self.stdout.write(f"administrator {options['admin'].strip().lower()}")
        if given is None:
            self.stdout.write(f"password      {password}  (to be changed at the first login)")

    @transaction.atomic
    def _create(self, password: str, *, is_given: bool, **options: Any) -> Organization:
        actor, now = Actor.system(None, origin=_ORIGIN), timezone.now()
        organization = staff.create_organization(
            options["name"],
            default_locale=options["locale"],
            default_timezone=options["timezone"],
            actor=actor,
            now=now,
        )
        staff.create_user(
            options["admin"],
            organization_id=organization.pk,
            roles=[Role.ADMIN, Role.SUPERVISOR],
            password=password,
            must_change_password=not is_given,
            actor=actor,
            now=now,
        )
        return organization
