"""What a customer says to book: who it is, how it is reached, and what the subject asks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from django import forms
from django.utils.translation import gettext, ngettext

from agents.services import codes
from appointments.forms_commands import CommandForm
from appointments.forms_person import PersonForm
from appointments.services import CustomerData
from config.kernel import limits

if TYPE_CHECKING:
    from django.http import QueryDict

    from agents.models import Application
    from appointments.models import Form

_BLANKS = re.compile(r"[\s\u00a0-]+")


class DetailsForm(PersonForm, CommandForm):
    """The customer, with the questionnaire of the subject."""

    message = None  # type: ignore[assignment]  # so a form leaves a field of its base out

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        application: Application,
        is_by_phone: bool,
        takes_sms: bool,
        questionnaire: Form | None,
        language: str,
    ) -> None:
        super().__init__(data, questionnaire=questionnaire, language=language)
        self._country = application.default_country
        self._takes_sms = takes_sms
        email, phone = self.fields["email"], self.fields["phone"]
        email.required, phone.required = not takes_sms, is_by_phone
        if not is_by_phone and not takes_sms:
            phone.label = gettext("Phone (optional)")
        email.help_text = gettext("We send a code there, to be sure that it is yours.")
        if takes_sms:
            email.help_text = gettext(
                "We send a code there, to be sure that it is yours. Without an e-mail address"
                " it goes to your phone."
            )
        names = ["first_name", "last_name", "email", "phone"]
        self.order_fields([*names, *(name for name in self.fields if name not in names)])

    def clean_phone(self) -> str:
        """Accept a number that can be called from here."""
        phone: str = self.cleaned_data["phone"]
        if phone and codes.channel_of(codes.normalized(phone, country=self._country)) is None:
            raise forms.ValidationError(
                gettext("Please give a whole phone number, such as +49 30 901820.")
            )
        return phone

    def clean_email(self) -> str:
        """Accept an address that mail can be sent to."""
        email: str = self.cleaned_data["email"]
        if email and codes.channel_of(codes.normalized(email)) is None:
            raise forms.ValidationError(gettext("Please give an address that mail can be sent to."))
        return email

    def clean(self) -> None:
        """Ask for a way to send the code."""
        super().clean()
        given = self.cleaned_data
        if "email" in given and "phone" in given and not (given["email"] or given["phone"]):
            self.add_error("email", gettext("Please give an e-mail address or a phone number."))

    @property
    def address(self) -> str:
        """Give where the code goes, once the form is valid."""
        return str(self.cleaned_data["email"] or self.cleaned_data["phone"])

    @property
    def customer(self) -> CustomerData:
        """Give who books, once the form is valid."""
        names = ("first_name", "last_name", "email", "phone")
        return CustomerData(**{name: self.cleaned_data[name] for name in names})

    def typed(self) -> Mapping[str, Sequence[str]]:
        """Give what was typed into the fields, and nothing else that was sent."""
        lists = dict(cast("QueryDict", self.data).lists())
        return {name: lists[name] for name in self.fields if name in lists}


def read_code(text: str) -> str:
    """Give a code as it was sent, however it was copied."""
    return _BLANKS.sub("", text)[: 2 * limits.CODE_DIGITS]


def wait_in_words(seconds: int) -> str:
    """Give what is said to whoever has asked for too many codes."""
    minutes = max(1, -(-seconds // 60))
    text = ngettext(
        "Too many codes were asked for. Please try again in %(minutes)s minute.",
        "Too many codes were asked for. Please try again in %(minutes)s minutes.",
        minutes,
    )
    return text % {"minutes": minutes}
