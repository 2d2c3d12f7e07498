"""What customers say on their pages: which of the free times, and how to call and reach them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext, gettext_lazy

from appointments.forms_commands import CommandForm
from appointments.forms_person import PersonForm
from appointments.services.own_details import ADDRESSES, OwnDetails
from config.kernel import limits
from config.kernel.time import parse_instant

if TYPE_CHECKING:
    from django.http import QueryDict
    from django.utils.functional import _StrPromise

    from appointments.models import Participant


class SlotForm(CommandForm):
    """One of the free times, and a message."""

    start = forms.CharField(
        max_length=limits.ID_LENGTH,
        error_messages={"required": gettext_lazy("Please choose one of the times.")},
    )
    field_order = ["start", "message"]

    def clean_start(self) -> datetime:
        """Read the instant that is meant."""
        try:
            return parse_instant(self.cleaned_data["start"])
        except ValueError:
            raise forms.ValidationError(gettext("Please choose one of the times.")) from None

    @property
    def instant(self) -> datetime:
        """Give the instant that is meant, once the form is valid."""
        instant: datetime = self.cleaned_data["start"]
        return instant


def _code_field(label: str | _StrPromise) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=limits.CODE_DIGITS,
        widget=_code_widget(),
    )


def _code_widget() -> forms.TextInput:
    return forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"})


class DetailsForm(PersonForm):
    """How a customer wants to be called and reached; new addresses with the code sent there."""

    email_code = _code_field(gettext_lazy("Code from the e-mail"))
    phone_code = _code_field(gettext_lazy("Code from the text message"))
    field_order = ["first_name", "last_name", "email", "email_code", "phone", "phone_code"]

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        customer: Participant,
        changeable: Collection[str],
    ) -> None:
        names = ("first_name", "last_name", *ADDRESSES)
        # The addresses that a code was sent to just now.
        self.asked: list[str] = []
        super().__init__(data, initial={name: getattr(customer, name) for name in names})
        self.fields["first_name"].required = self.fields["last_name"].required = False
        self.fields["phone"].validators.append(
            RegexValidator(r"\d", gettext("A phone number has digits."))
        )
        for name in ADDRESSES:
            known = getattr(customer, name)
            if name not in changeable:
                # What is sent for it is not looked at then.
                self.fields[name].disabled = True
                self.fields[name].help_text = (
                    gettext("With this the appointment was booked: please call us to change it.")
                    if known
                    else ""
                )
            # Changed, but not taken away: nobody could be told anything.
            self.fields[name].required = bool(known)
            code = f"{name}_code"
            if not (data and data.get(code)):
                self.fields[code].widget = forms.HiddenInput()
        for one in self.fields.values():
            one.widget.attrs["class"] = "form-control"

    @property
    def details(self) -> OwnDetails:
        """Give what is wanted, once the form is valid."""
        names = ("first_name", "last_name", *ADDRESSES)
        return OwnDetails(**{name: self.cleaned_data[name] for name in names})

    @property
    def codes(self) -> dict[str, str]:
        """Give the codes by address, those that were filled in."""
        return {name: self.cleaned_data[f"{name}_code"] for name in ADDRESSES}

    def show_codes(self, names: Collection[str], *, words: str = "") -> None:
        """Show where codes are to be filled in, those that were sent just now or were wrong."""
        for name in names:
            field = self.fields[f"{name}_code"]
            field.widget = _code_widget()
            field.widget.attrs["class"] = "form-control"
            if words:
                self.add_error(f"{name}_code", words)
            else:
                self.asked.append(name)

    def refuse(self, words: str) -> None:
        """Say above the fields why it was refused."""
        self.add_error(None, words)
