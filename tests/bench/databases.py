"""Databases of a size: made by `manage.py generate`, and kept while the schema is the same."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.core.management import call_command
from django.db import connection

from agents.models import Application, User
from appointments.services.upkeep import compact_totals
from config.kernel.actors import Role
from notifications.models import Channel, ChannelSettings
from tests.bench import progress
from tests.make import token_for

_ROOT = Path(__file__).resolve().parents[2]
AGENTS = 200


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A database with so many appointments, all of one organisation."""

    name: str
    appointments: int
    organization_id: UUID
    application_id: UUID
    supervisor_id: UUID
    agent_ids: list[UUID]
    # The moment at which it was made: before it lies the past.
    made_at: datetime

    def token(self) -> str:
        """Give the access token of its supervisor, who sees everything."""
        return token_for(User.objects.get(pk=self.supervisor_id))


@contextmanager
def connected(name: str) -> Iterator[None]:
    """Let this process work in another database of the server."""
    former = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = former


def sized(appointments: int) -> Sized:
    """Give the database of that size, made anew where there is none of this schema."""
    name = f"frontdesk_bench_{appointments}"
    if _note(name) != _schema():
        _make(name, appointments)
    with connected(name):
        return _read(name, appointments)


@contextmanager
def copy_of(original: Sized, suffix: str) -> Iterator[Sized]:
    """Give a copy that can be written to; it is dropped afterwards."""
    name = f"{original.name}_{suffix}"
    _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _execute(f'CREATE DATABASE "{name}" TEMPLATE "{original.name}" STRATEGY file_copy')
    try:
        with connected(name):
            yield _read(name, original.appointments)
    finally:
        _execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def url_of(name: str) -> str:
    """Give the URL of a database of the server that the settings name."""
    facts = connection.settings_dict
    credentials = f"{facts['USER']}:{facts['PASSWORD']}" if facts["PASSWORD"] else facts["USER"]
    return f"postgres://{credentials}@{facts['HOST']}:{facts['PORT']}/{name}"


def _make(name: str, appointments: int) -> None:
    progress.say(f"Making a database of {appointments:,} appointments; it is kept.")
    _execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    _execute(f'CREATE DATABASE "{name}"')
    with connected(name):
        call_command("migrate", verbosity=0)
        call_command(
            "generate", appointments=appointments, agents=AGENTS, stdout=sys.stderr, jobs=2
        )
        application = Application.objects.get()
        User.objects.create_user(
            f"supervisor-{appointments}@example.com",
            organization_id=application.organization_id,
            roles=[Role.SUPERVISOR.value],
        )
        ChannelSettings.objects.update_or_create(
            organization_id=application.organization_id,
            application=application,
            channel=Channel.EMAIL,
            defaults={"is_on": True, "reminder_offsets": ["PT24H", "PT1H"]},
        )
        # As beat and autovacuum leave a database that has stood for a while.
        progress.say("Vacuuming …")
        while compact_totals():
            pass
        _execute("VACUUM (ANALYZE)")
    _execute(f"COMMENT ON DATABASE \"{name}\" IS '{_schema()}'")


def _read(name: str, appointments: int) -> Sized:
    application = Application.objects.get()
    supervisor = User.objects.get(roles=[Role.SUPERVISOR.value])
    return Sized(
        name=name,
        appointments=appointments,
        organization_id=application.organization_id,
        application_id=application.id,
        supervisor_id=supervisor.id,
        agent_ids=list(User.objects.agents().order_by("id").values_list("id", flat=True)),
        made_at=application.created_at,
    )


def _schema() -> str:
    """Give a mark of what the database and its data are made by."""
    sources = sorted(_ROOT.glob("*/migrations/*.py"))
    sources += [_ROOT / "appointments/generating.py", Path(__file__)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return json.dumps({"made by": digest[:24]})


def _note(name: str) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        # To copy or to clean a database takes longer than a request may.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(statement)
