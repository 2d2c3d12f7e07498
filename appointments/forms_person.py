"""What a customer is called, and how it is reached: fields of every form that asks for it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from config.kernel import limits


class PersonForm(forms.Form):
    """Names and addresses; a form says itself which of them are needed."""

    first_name = forms.CharField(
        label=gettext_lazy("First name"),
        max_length=limits.NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = forms.CharField(
        label=gettext_lazy("Last name"),
        max_length=limits.NAME_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )
    email = forms.EmailField(
        label=gettext_lazy("E-mail"),
        required=False,
        max_length=limits.EMAIL_LENGTH,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    phone = forms.CharField(
        label=gettext_lazy("Phone"),
        required=False,
        max_length=limits.PHONE_LENGTH,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
    )
