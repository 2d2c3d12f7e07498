"""What is typed in about webhook subscriptions: secrets go in, and are never shown again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms

from config.kernel import limits
from config.kernel.admin import JsonField, TenantForm
from notifications.errors import InvalidSubscription
from notifications.models import WebhookAuth, WebhookFormat
from notifications.services import subscriptions
from notifications.services.subscriptions import SubscriptionData
from notifications.transports.webhooks.delivery import Basic
from notifications.transports.webhooks.oauth import ClientCredentials
from notifications.webhook_rules import Auth

# The member of the API → the field that it is typed into.
_FIELDS = {
    "url": "url",
    "contact": "contact",
    "eventTypes": "types",
    "headers": "headers",
    "secretHeaders": "new_secret_headers",
    "authentication": "auth",
}
_NEEDED = {
    WebhookAuth.NONE: (),
    WebhookAuth.BASIC: ("username", "password"),
    WebhookAuth.OAUTH2: ("token_url", "client_id", "client_secret"),
}


def _credential(label: str, *, is_secret: bool = False) -> forms.CharField:
    # A browser is not to fill in the password of whoever sits there.
    hidden = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        max_length=limits.CREDENTIAL_LENGTH,
        widget=hidden if is_secret else forms.TextInput(attrs={"size": 60}),
    )


class SubscriptionForm(TenantForm):
    """A subscription; what is left empty of its secrets stays as it is."""

    url = forms.CharField(
        label="URL", max_length=limits.URL_LENGTH, widget=forms.TextInput(attrs={"size": 90})
    )
    new_secret_headers = JsonField(
        label="Secret headers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 90}),
        help_text='All of them, as {"name": "value"}. They are sealed and not shown again; leave'
        " this empty to keep what there is, and write {} to have none.",
    )
    username = _credential("User name (Basic)")
    password = _credential("Password (Basic)", is_secret=True)
    token_url = _credential("Token address (OAuth 2)")
    client_id = _credential("Client id (OAuth 2)")
    client_secret = _credential("Client secret (OAuth 2)", is_secret=True)
    scope = _credential("Scope (OAuth 2)")

    credential_names = (
        *("username", "password"),
        *("token_url", "client_id", "client_secret", "scope"),
    )
    extra_names = ("new_secret_headers", *credential_names)

    def clean(self) -> dict[str, Any]:
        """Refuse what the API would refuse."""
        cleaned = super().clean()
        for name in ("headers", "new_secret_headers"):
            if not _is_map(cleaned.get(name) or {}):
                self.add_error(name, "It is an object of strings.")
        if missing := self._missing_credentials():
            self.add_error("auth", f"It needs {', '.join(missing)}.")
        if self.errors:
            return cleaned
        try:
            subscriptions.check_data(self.instance, self.subscription_data())
        except InvalidSubscription as refusal:
            self._show(refusal.errors.items())
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # The model's own check knows no hosts of a private network, where these are allowed.
        return {*super()._get_validation_exclusions(), "url"}  # type: ignore[misc]  # not in the stubs

    def _show(self, errors: Iterable[tuple[str, list[str]]]) -> None:
        for member, problems in errors:
            head, _, rest = member.partition(".")
            for problem in problems:
                self.add_error(_FIELDS[head], f"{rest}: {problem}" if rest else problem)

    def _missing_credentials(self) -> list[str]:
        if not self._has_new_auth() or "auth" not in self.cleaned_data:
            return []
        needed = _NEEDED[WebhookAuth(self.cleaned_data["auth"])]
        return [str(self.fields[name].label) for name in needed if not self.cleaned_data.get(name)]

    def _has_new_auth(self) -> bool:
        return bool({"auth", *self.credential_names} & set(self.changed_data))

    def subscription_data(self) -> SubscriptionData:
        """Give what was changed: all else stays as it is by then."""
        typed, changed = self.cleaned_data, set(self.changed_data)
        plain = ("url", "types", "name", "headers", "contact", "is_active")
        given = {name: typed[name] for name in plain if name in changed and name in typed}
        if "headers" in given:
            given["headers"] = given["headers"] or {}
        if "format" in changed:
            given["format"] = WebhookFormat(typed["format"])
        if typed.get("new_secret_headers") is not None:
            given["secret_headers"] = typed["new_secret_headers"]
        if self._has_new_auth():
            given["auth"] = self._auth()
        return SubscriptionData(**given)

    def _auth(self) -> Auth:
        typed = self.cleaned_data
        match WebhookAuth(typed["auth"]):
            case WebhookAuth.BASIC:
                return Basic(username=typed["username"], password=typed["password"])
            case WebhookAuth.OAUTH2:
                names = ("token_url", "client_id", "client_secret", "scope")
                return ClientCredentials(**{name: typed[name] for name in names})
            case _:
                return WebhookAuth.NONE


def _is_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
