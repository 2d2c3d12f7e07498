"""One-time codes: six digits that prove an address once, for one application.

An address is an e-mail address or a phone number; `agents.services.code_sending` sends to it.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from django.db import connection, transaction

from agents.errors import CodeRefused
from agents.models import Application, OneTimeCode
from agents.services import counters
from config.kernel import limits
from config.kernel.secrets import fingerprint, fingerprints, seal, unseal
from notifications.errors import CannotBuild
from notifications.models import Channel
from notifications.nudges import nudge_task
from notifications.segments import segments_of
from notifications.tokens import fold
from notifications.transports.sms.numbers import to_e164

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


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """What is to be sent: the code, and all that its words are made of."""

    channel: Channel
    address: str = field(repr=False)
    code: str = field(repr=False)
    name: str
    locale: str


# --- Asking ---------------------------------------------------------------------------------


def ask_for_code(
    application: Application | None,
    address: str,
    *,
    sender: str,
    now: datetime,
    locale: str = "",
) -> None:
    """Have a code sent to the address, if it can be and the application lets customers book.

    Without a locale its words are the application's. The caller hears nothing of what becomes of
    it. Raises TooManyAttempts.
    """
    country = application.default_country if application is not None else ""
    address = normalized(address, country=country)
    counters.take(
        (counters.CODES_PER_SENDER, counters.network_of(sender)),
        (counters.CODES_PER_RECIPIENT, mailbox_of(address)),
        now=now,
    )
    if application is not None and application.customers_may_book:
        new_code(application, address, now=now, locale=locale)
        transaction.on_commit(_nudge)


def _nudge() -> None:
    # The workers look by themselves too: this only saves the second until they do.
    nudge_task("agents.send_codes")


def new_code(application: Application, address: str, *, now: datetime, locale: str = "") -> str:
    """Give a new code for the address, which waits to be sent; older ones are void from now on.

    Where nothing can be sent to, it is void as well.
    """
    address = normalized(address, country=application.default_country)
    issued = issue(application, address, purpose=_PURPOSE, now=now)
    row = OneTimeCode.objects.filter(pk=issued.id)
    if channel_of(address) is None:
        # As much work as for an address: how long the answer takes says nothing about it.
        row.update(used_at=now)
    else:
        row.update(sealed=_sealed(application, address, issued.code, locale=locale))
    return issued.code


def _sealed(application: Application, address: str, code: str, *, locale: str) -> bytes:
    parcel = {
        "address": address,
        "code": code,
        "locale": locale or application.default_locale,
        "name": application.name,
    }
    return seal(json.dumps(parcel), purpose=_PURPOSE)


def parcel_of(sealed: bytes | memoryview) -> Parcel | None:
    """Read what a code's row keeps until it is sent; None if it leads nowhere.

    Raises SealBroken.
    """
    kept = json.loads(unseal(sealed, purpose=_PURPOSE))
    channel = channel_of(kept["address"])
    return Parcel(channel=channel, **kept) if channel else None


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


# --- Addresses ------------------------------------------------------------------------------


def mailbox_of(address: str) -> str:
    """Give where a normalized address leads to, as far as one can tell: without what follows a +.

    Many providers put ada+anything@example.org into Ada's mailbox (RFC 5233).
    """
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at else address


def normalized(address: str, *, country: str = "") -> str:
    """Give an e-mail address or a phone number in the form in which it is compared.

    A phone number that can be one is given in E.164; without a country it lies in the given one.
    """
    address = address.strip()
    if "@" in address:
        local, _, domain = address.lower().rpartition("@")
        return f"{local}@{_in_ascii(domain)}"
    digits = re.sub(r"[^0-9+]", "", address)
    # Nearly everywhere 00 leads abroad; where something else does, that is tried first.
    abroad = f"+{digits[2:]}" if digits.startswith("00") else digits
    return _e164(address, country) or _e164(abroad, country) or abroad


def _in_ascii(domain: str) -> str:
    # One domain in two spellings is one mailbox, and has one limit.
    try:
        return domain if domain.isascii() else domain.encode("idna").decode()
    except UnicodeError:
        return domain


def channel_of(address: str) -> Channel | None:
    """Say how a normalised address is reached; None when it cannot be."""
    if "@" in address:
        return Channel.EMAIL if _is_email(address) else None
    return Channel.SMS if address and _e164(address, "") == address else None


def _e164(number: str, country: str) -> str:
    try:
        return to_e164(number, country)
    except CannotBuild:
        return ""


# Not localhost, to which no customer's mail goes.
_PUBLIC = EmailValidator(allowlist=[])


def _is_email(address: str) -> bool:
    try:
        _PUBLIC(address)
    except ValidationError:
        return False
    # Quoted local parts and addresses in digits are no customers' either.
    return len(address) <= limits.EMAIL_LENGTH and not set(address) & set('"[]')


# --- Proving --------------------------------------------------------------------------------


def check_code(application: Application, address: str, code: str, *, now: datetime) -> ProvenCode:
    """Give the proof that the code is the one that was sent; a wrong one is counted at once.

    It stands outside the booking's transaction, or a refused booking would forget the tries.
    Raises CodeRefused.
    """
    address = normalized(address, country=application.default_country)
    guessed = guess(application.pk, address, code, purpose=_PURPOSE, now=now)
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


def redeem_code(application: Application, address: str, code: str, *, now: datetime) -> None:
    """Check a code and use it up.

    Raises CodeRefused.
    """
    use_code(check_code(application, address, code, now=now), now=now)


# --- Words ----------------------------------------------------------------------------------

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
    "el": (
        "Ο κωδικός μίας χρήσης",
        """Ο κωδικός μίας χρήσης για {name} είναι {code}.

Ισχύει για {minutes} λεπτά και μόνο μία φορά. Αν δεν τον ζητήσατε, δεν χρειάζεται να κάνετε τίποτα.
""",
    ),
}
# The code comes first: phones show it on a locked screen, and offer it where it is asked for. They
# offer it everywhere: bound to a web address (WebOTP) it would be to ours, and booking takes place
# on the pages and in the apps of others.
_SHORT_TEXTS = {
    "en": "{code} is your one-time password for {name}, valid for {minutes} minutes.",
    "de": "{code} ist Ihr Einmalkennwort für {name} ({minutes} Minuten gültig).",
    # Greek small letters leave room for 70 characters in one SMS.
    "el": "{code}: κωδικός μίας χρήσης για {name}, ισχύει {minutes} λεπτά.",
}
_MINUTES = int(limits.CODE_LIFETIME.total_seconds() // 60)


def words_for(code: str, *, name: str, locale: str) -> tuple[str, str]:
    """Give the subject and the text of the mail that tells a code."""
    subject, text = _TEXTS.get(locale[:2].lower(), _TEXTS["en"])
    return subject, text.format(code=code, name=" ".join(name.split()), minutes=_MINUTES)


def short_words_for(code: str, *, name: str, locale: str) -> str:
    """Give the text of the SMS that tells a code: one SMS, in which a long name is cut."""
    template = _SHORT_TEXTS.get(locale[:2].lower(), _SHORT_TEXTS["en"])
    name = " ".join(fold(name).split())
    for length in range(len(name), 0, -1):
        shown = name if length == len(name) else f"{name[:length].rstrip()}..."
        text = template.format(code=code, name=shown, minutes=_MINUTES)
        if segments_of(text).count == 1:
            return text
    return code
