"""One-time codes: six digits that prove an address once, for one application."""

from __future__ import annotations

import json
import logging
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from smtplib import SMTPException
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.core.validators import validate_email
from django.db import connection, transaction

from agents.errors import CodeRefused
from agents.models import Application, OneTimeCode
from agents.services import counters
from config.kernel import limits
from config.kernel.secrets import SealBroken, fingerprint, fingerprints, seal, unseal
from notifications.nudges import nudge_task

logger = logging.getLogger(__name__)

_PURPOSE = "one-time-code"
_TABLE = OneTimeCode._meta.db_table

# One statement looks at a guess and counts it, under the lock of the row: of a thousand at once
# only as many are looked at as there are tries. A right one costs none, because the booking may
# still be refused; use_code sees to it that it is used once.
_TRY = f"""
    UPDATE {_TABLE} SET tries = tries + CASE WHEN digest = ANY(%s) THEN 0 ELSE 1 END
    WHERE id = (
        SELECT id FROM {_TABLE} WHERE application_id = %s AND address = ANY(%s)
        ORDER BY created_at DESC, id DESC LIMIT 1
    ) AND used_at IS NULL AND expires_at > %s AND tries < %s
    RETURNING id, digest = ANY(%s)
"""  # noqa: S608  # the name of our own table

# The claim empties the row before anything is sent: a code is sent at most once.
_CLAIM = f"""
    WITH claimed AS (
        SELECT id, sealed, expires_at FROM {_TABLE} WHERE sealed IS NOT NULL
        ORDER BY created_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    UPDATE {_TABLE} AS code SET sealed = NULL FROM claimed WHERE code.id = claimed.id
    RETURNING code.id, claimed.sealed, claimed.expires_at > now()
"""  # noqa: S608  # the name of our own table


@dataclass(frozen=True)
class IssuedCode:
    """A code that was just given out."""

    id: UUID
    code: str = field(repr=False)


@dataclass(frozen=True)
class Guess:
    """What was tried on an outstanding code; a wrong one has been counted."""

    id: UUID
    is_right: bool


@dataclass(frozen=True)
class ProvenCode:
    """A code that was right, and has not been used yet."""

    id: UUID
    address: str


# --- Asking ---------------------------------------------------------------------------------


def ask_for_code(
    application: Application | None, address: str, *, sender: str, now: datetime
) -> None:
    """Have a code sent to the address, if it can be and the application lets customers book.

    The caller hears nothing of that. Raises TooManyAttempts.
    """
    address = normalized(address)
    counters.take(
        (counters.CODES_PER_SENDER, counters.network_of(sender)),
        (counters.CODES_PER_RECIPIENT, address),
        now=now,
    )
    if application is not None and application.customers_may_book and _is_email(address):
        new_code(application, address, now=now)
        transaction.on_commit(_nudge)


def _nudge() -> None:
    # The workers look by themselves too: this only saves the second until they do.
    nudge_task("agents.send_codes")


def new_code(application: Application, address: str, *, now: datetime) -> str:
    """Give a new code for the address, which waits to be sent; older ones are void from now on."""
    address = normalized(address)
    issued = issue(application, address, purpose=_PURPOSE, now=now)
    parcel = {
        "address": address,
        "code": issued.code,
        "locale": application.default_locale,
        "name": application.name,
    }
    sealed = seal(json.dumps(parcel), purpose=_PURPOSE)
    OneTimeCode.objects.filter(pk=issued.id).update(sealed=sealed)
    return issued.code


def issue(application: Application, subject: str, *, purpose: str, now: datetime) -> IssuedCode:
    """Give a new code that proves a subject for a purpose; older ones of both are void.

    To send it is the caller's business.
    """
    code = f"{secrets.randbelow(10**limits.CODE_DIGITS):0{limits.CODE_DIGITS}}"
    row = OneTimeCode.objects.create(
        organization_id=application.organization_id,
        application=application,
        address=fingerprint(subject, purpose=purpose),
        digest=fingerprint(_bound(application.pk, subject, code), purpose=purpose),
        expires_at=now + limits.CODE_LIFETIME,
    )
    return IssuedCode(id=row.pk, code=code)


def withdraw(issued: IssuedCode) -> None:
    """Make a code that reached nobody not have been given out: the one before it holds again."""
    OneTimeCode.objects.filter(pk=issued.id).delete()


def _bound(application_id: UUID, address: str, code: str) -> str:
    return f"{application_id}\0{address}\0{code}"


def normalized(address: str) -> str:
    """Give an e-mail address or a phone number in the form in which it is compared."""
    address = address.strip()
    if "@" in address:
        return address.lower()
    digits = re.sub(r"[^0-9+]", "", address)
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _is_email(address: str) -> bool:
    try:
        validate_email(address)
    except ValidationError:
        return False
    return len(address) <= limits.EMAIL_LENGTH


# --- Proving --------------------------------------------------------------------------------


def check_code(application_id: UUID, address: str, code: str, *, now: datetime) -> ProvenCode:
    """Give the proof that the code is the one that was sent; a wrong one is counted at once.

    It stands outside the booking's transaction, or a refused booking would forget the tries.
    Raises CodeRefused.
    """
    address = normalized(address)
    guessed = guess(application_id, address, code, purpose=_PURPOSE, now=now)
    if guessed is None or not guessed.is_right:
        raise CodeRefused
    return ProvenCode(id=guessed.id, address=address)


def guess(
    application_id: UUID, subject: str, code: str, *, purpose: str, now: datetime
) -> Guess | None:
    """Say whether a code is the newest that proves the subject; None when none is outstanding."""
    digests = fingerprints(_bound(application_id, subject, code), purpose=purpose)
    subjects = fingerprints(subject, purpose=purpose)
    with connection.cursor() as cursor:
        cursor.execute(_TRY, [digests, application_id, subjects, now, limits.CODE_TRIES, digests])
        row = cursor.fetchone()
    return None if row is None else Guess(id=row[0], is_right=row[1])


def use_code(proven: ProvenCode, *, now: datetime) -> None:
    """Use a code up, in the transaction of what it was asked for.

    Raises CodeRefused when somebody was faster.
    """
    if not use(proven.id, now=now):
        raise CodeRefused


def use(code_id: UUID, *, now: datetime) -> bool:
    """Use a code up; say whether nobody was faster."""
    unused = OneTimeCode.objects.filter(pk=code_id, used_at__isnull=True, expires_at__gt=now)
    return bool(unused.update(used_at=now))


def redeem_code(application_id: UUID, address: str, code: str, *, now: datetime) -> None:
    """Check a code and use it up.

    Raises CodeRefused.
    """
    use_code(check_code(application_id, address, code, now=now), now=now)


# --- Sending --------------------------------------------------------------------------------

_TEXTS = {
    "en": (
        # Not in the subject: mail servers write that into their logs.
        "Your one-time password",
        """Your one-time password for {name} is {code}.

It is valid for {minutes} minutes and works once. If you did not ask for it, do nothing.
""",
    ),
    "de": (
        "Ihr Einmalkennwort",
        """Ihr Einmalkennwort für {name} lautet {code}.

Es gilt {minutes} Minuten lang und nur ein Mal. Haben Sie es nicht angefordert, ist nichts zu tun.
""",
    ),
}


def send_codes(*, limit: int = 50) -> int:
    """Send the codes that wait, each at most once, and give how many were handed over."""
    if not OneTimeCode.objects.filter(sealed__isnull=False).exists():
        return 0
    mail: BaseEmailBackend = get_connection()
    try:
        # First, so that a server that is away costs no code: those wait until it is back.
        mail.open()
        try:
            return sum(_send(mail, code_id, sealed) for code_id, sealed in _claim(limit))
        finally:
            mail.close()
    except (SMTPException, OSError) as error:
        logger.warning("One-time passwords wait: %s.", type(error).__name__)
        return 0


@transaction.atomic
def _claim(limit: int) -> list[tuple[UUID, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, [limit])
        rows = cursor.fetchall()
    # One that has expired while it waited helps nobody.
    return [(code_id, sealed) for code_id, sealed, is_valid in rows if is_valid]


def _send(mail: BaseEmailBackend, code_id: UUID, sealed: bytes) -> bool:
    try:
        return bool(mail.send_messages([_message(json.loads(unseal(sealed, purpose=_PURPOSE)))]))
    except (SMTPException, OSError, SealBroken) as error:
        logger.warning("The one-time password %s was not sent: %s.", code_id, type(error).__name__)
        return False


def words_for(code: str, *, name: str, locale: str) -> tuple[str, str]:
    """Give the subject and the text of the mail that tells a code."""
    subject, text = _TEXTS.get(locale[:2].lower(), _TEXTS["en"])
    minutes = int(limits.CODE_LIFETIME.total_seconds() // 60)
    return subject, text.format(code=code, name=" ".join(name.split()), minutes=minutes)


def _message(parcel: dict[str, str]) -> EmailMessage:
    subject, text = words_for(parcel["code"], name=parcel["name"], locale=parcel["locale"])
    return EmailMessage(
        subject=subject,
        body=text,
        to=[parcel["address"]],
        # RFC 3834: no out-of-office replies to this.
        headers={"Auto-Submitted": "auto-generated"},
    )
