"""What people type in: their names and passwords."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError

from agents.errors import TooManyAttempts, Unauthenticated
from agents.services.login import prove_user
from config.kernel import limits

if TYPE_CHECKING:
    from agents.models import User


class LoginForm(forms.Form):
    """A user name and a password, checked and counted."""

    username = forms.CharField(
        label="User name",
        max_length=limits.USERNAME_LENGTH,
        widget=forms.TextInput(
            attrs={
                "class": "form-control",
                "autocomplete": "username",
                "autocapitalize": "none",
                "inputmode": "email",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
    )
    password = forms.CharField(
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(
            attrs={"class": "form-control", "autocomplete": "current-password"}
        ),
    )

    def __init__(self, *args: Any, address: str, now: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = address
        self._now = now
        self.user: User | None = None

    def clean(self) -> dict[str, Any]:
        """Find the user whom the two prove.

        Raises ValidationError, which never says which of them was wrong.
        """
        if self.errors:
            return self.cleaned_data
        try:
            self.user = prove_user(
                self.cleaned_data["username"],
                self.cleaned_data["password"],
                address=self._address,
                now=self._now,
            )
        except Unauthenticated:
            raise ValidationError("The user name and the password do not fit together.") from None
        except TooManyAttempts:
            raise ValidationError("Too many attempts. Try again in a few minutes.") from None
        return self.cleaned_data


class OwnPasswordForm(PasswordChangeForm):
    """A new password against the old one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = "form-control"

    def save(self, commit: bool = True) -> User:
        """Keep the new password, and nothing else of the row."""
        user: User = self.user
        user.set_password(self.cleaned_data["new_password1"])
        user.change_password_on_first_login = False
        if commit:
            user.save(update_fields=["password", "change_password_on_first_login"])
        return user
