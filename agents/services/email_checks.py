"""Whether an application's e-mail service works: a code mailed through it, and test mails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import models, transaction

from agents.errors import ApplicationUnknown, CheckCodeWrong, NoCheckCode
from agents.models import Application, ApplicationKind
from agents.services import codes, counters
from config.kernel.actors import Actor
from config.kernel.ids import parse_uuid
from config.kernel.time import Duration, parse_zone
from notifications.errors import MailRefused, MailServiceUnusable
from notifications.models import Channel, ChannelSettings, NotificationType
from notifications.services.sample_mail import Sample, Texts, send_sample, send_words

# A code that proves an address for a booking proves no e-mail service, nor the other way round.
_PURPOSE = "email-service-code"
_A_DAY = Duration(days=1, exact=timedelta(0))


@dataclass(frozen=True, kw_only=True)
class TestMail:
    """What an administrator tries out; what is left open comes from the application."""

    address: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    type: str | None = None
    locale: str | None = None
    zone: ZoneInfo | None = None
    period: Duration | None = None


def ask_for_verification(application_id: str, *, address: str, actor: Actor, now: datetime) -> None:
    """Mail a code through the service that is to be verified; an earlier one is void then.

    Raises ApplicationUnknown, MailServiceUnusable, MailRefused, TooManyAttempts.
    """
    application = _application(application_id, actor)
    _check_has_service(application)
    counters.take(
        (counters.CHECKS_PER_APPLICATION, str(application.pk)),
        (counters.CHECK_CODES_PER_RECIPIENT, codes.mailbox_of(codes.normalized(address))),
        now=now,
    )
    issued = codes.issue(application, subject_of(application), purpose=_PURPOSE, now=now)
    subject, text = codes.words_for(
        issued.code, name=application.name, locale=application.default_locale
    )
    try:
        # Once and not again: whoever gets no answer asks for another code.
        send_words(
            application.pk,
            address,
            subject=subject,
            text=text,
            message_id=issued.id,
            now=now,
        )
    except (MailServiceUnusable, MailRefused):
        codes.withdraw(issued)
        raise


def confirm_verification(application_id: str, *, code: str, actor: Actor, now: datetime) -> None:
    """Count the service as verified when the code is the one that was mailed.

    Raises ApplicationUnknown, NoCheckCode, CheckCodeWrong, MailServiceUnusable.
    """
    application = _application(application_id, actor)
    if application.kind != ApplicationKind.GENESYS:
        raise NoCheckCode
    guess = codes.guess(application.pk, subject_of(application), code, purpose=_PURPOSE, now=now)
    if guess is None:
        raise NoCheckCode
    if not guess.is_right:
        raise CheckCodeWrong
    with transaction.atomic():
        if not codes.use(guess.id, now=now):
            raise NoCheckCode
        if not _services(application).update(verified_at=now):
            raise MailServiceUnusable


def send_test_mail(application_id: str, mail: TestMail, *, actor: Actor, now: datetime) -> None:
    """Send one mail of the given texts, about an appointment and a customer that do not exist.

    Raises ApplicationUnknown, MailServiceUnusable, MailRefused, CannotBuild, TooManyAttempts.
    """
    application = _application(application_id, actor)
    _check_has_service(application)
    counters.take((counters.CHECKS_PER_APPLICATION, str(application.pk)), now=now)
    zone = mail.zone or parse_zone(application.default_timezone)
    period = mail.period or _A_DAY
    send_sample(
        application.pk,
        Sample(
            address=mail.address,
            type=NotificationType(mail.type or NotificationType.REMINDER),
            locale=mail.locale or application.default_locale,
            zone=zone,
            start=period.after(now, zone),
            application_name=application.name,
            organization_name=application.organization.name,
        ),
        Texts(subject=mail.subject, text=mail.text, html=mail.html),
        now=now,
    )


def _application(application_id: str, actor: Actor) -> Application:
    key = parse_uuid(application_id)
    known = Application.objects.visible_to(actor).select_related("organization")
    application = known.filter(pk=key).first() if key else None
    if application is None:
        raise ApplicationUnknown
    return application


def _check_has_service(application: Application) -> None:
    # Without a row, and while the channel is off, there is none.
    if not _services(application).filter(is_on=True).exists():
        raise MailServiceUnusable


def _services(application: Application) -> models.QuerySet[ChannelSettings]:
    return ChannelSettings.objects.filter(application=application, channel=Channel.EMAIL)


def subject_of(application: Application) -> str:
    """Give what a code proves: the service as it is set up at this moment.

    One that is changed before the code is confirmed has mailed no code.
    """
    account = _services(application).values_list("provider", "provider_options").first()
    provider, options = account or ("", None)
    return f"{application.pk}\0{provider}\0{bytes(options or b'').hex()}"
