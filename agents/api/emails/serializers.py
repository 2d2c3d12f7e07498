"""The wire of the checks of an e-mail service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.kernel import limits
from config.kernel.fields import MailField, TextField
from config.kernel.time import parse_duration, parse_locale, parse_zone, unquote
from notifications.models import Channel, NotificationType

T = TypeVar("T")
_TEXT_LENGTH = 50_000
_HTML_LENGTH = 200_000


@extend_schema_field({"type": "string", "const": Channel.EMAIL.value})
class _EmailOnlyField(serializers.ChoiceField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=[Channel.EMAIL.value], **kwargs)


def _read(parse: Callable[[str], T], text: str) -> T:
    """Give what a text means; surrounding double quotes are taken off (conventions)."""
    try:
        return parse(unquote(text))
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from None


class EmailServiceVerificationRequest(serializers.Serializer[Any]):
    applicationId = TextField(max_length=limits.ID_LENGTH)
    toEmail = MailField(max_length=limits.EMAIL_LENGTH, help_text="Where the code is mailed.")


class ServiceConfirmationRequest(serializers.Serializer[Any]):
    applicationId = TextField(max_length=limits.ID_LENGTH)
    code = TextField(max_length=limits.ID_LENGTH, help_text="From the mail: 063780.")


class EmailNotificationRequest(serializers.Serializer[Any]):
    applicationId = TextField(max_length=limits.ID_LENGTH)
    channel = _EmailOnlyField(required=False, help_text="Nothing else can be tested.")
    htmlBody = TextField(max_length=_HTML_LENGTH, required=False, allow_blank=True)
    locale = TextField(max_length=limits.ID_LENGTH, required=False, help_text="en-GB")
    period = TextField(
        max_length=limits.ID_LENGTH,
        required=False,
        help_text="How far ahead the sample appointment is: P1D.",
    )
    subject = TextField(max_length=limits.TITLE_LENGTH)
    textBody = TextField(max_length=_TEXT_LENGTH, required=False, allow_blank=True)
    timezone = TextField(max_length=limits.ID_LENGTH, required=False, help_text="An IANA name.")
    toEmail = MailField(max_length=limits.EMAIL_LENGTH)
    type = serializers.ChoiceField(choices=NotificationType.choices, required=False)

    def validate_subject(self, value: str) -> str:
        if not value.strip():
            self.fields["subject"].fail("blank")
        return value

    def validate_locale(self, value: str) -> Any:
        return _read(parse_locale, value)

    def validate_period(self, value: str) -> Any:
        return _read(parse_duration, value)

    def validate_timezone(self, value: str) -> Any:
        return _read(parse_zone, value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse a mail without a body."""
        if not any(attrs.get(name, "").strip() for name in ("htmlBody", "textBody")):
            problem = "One of htmlBody and textBody is needed."
            raise serializers.ValidationError({"htmlBody": [problem], "textBody": [problem]})
        return attrs
