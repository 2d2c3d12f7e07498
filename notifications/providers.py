"""The providers of e-mail: what each must be told, and what it can do with a message.

The names are those of `django-anymail`. Whoever gives options for an application is no operator
of the installation: only what is listed here is taken, and no address, so that nobody can choose
where our requests go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

_LENGTH = 500
# An address of the provider's API; only the installation's own settings may name one.
API_URL = "api_url"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One provider; `regions` are the addresses of its API that `region` can choose."""

    needs: frozenset[str]
    takes: frozenset[str] = frozenset()
    regions: Mapping[str, str] = field(default_factory=dict)
    # Its reports carry back what we call a message; else they carry the tags of it.
    keeps_metadata: bool = True
    # Whatever the plan of the account, headers of our own may be sent.
    takes_headers: bool = True
    # It lets others name its messages.
    takes_message_id: bool = True
    # It sends parts besides text and HTML, as an invitation is one.
    sends_any_part: bool = False
    # It takes nothing twice with the same Idempotency-Key.
    knows_keys: bool = False
    # Somebody runs it: it has no address that everybody knows.
    has_own_address: bool = False


PROVIDERS: Mapping[str, Provider] = {
    "brevo": Provider(needs=frozenset({"api_key"})),
    "mailersend": Provider(
        needs=frozenset({"api_token"}), keeps_metadata=False, takes_headers=False
    ),
    "mailgun": Provider(
        needs=frozenset({"api_key"}),
        takes=frozenset({"sender_domain"}),
        regions={"eu": "https://api.eu.mailgun.net/v3"},
    ),
    "mailjet": Provider(needs=frozenset({"api_key", "secret_key"}), takes_message_id=False),
    "mailtrap": Provider(needs=frozenset({"api_token"})),
    "mandrill": Provider(needs=frozenset({"api_key"})),
    "postal": Provider(needs=frozenset({"api_key"}), keeps_metadata=False, has_own_address=True),
    "postmark": Provider(needs=frozenset({"server_token"}), takes=frozenset({"message_stream"})),
    "resend": Provider(needs=frozenset({"api_key"}), knows_keys=True),
    "scaleway": Provider(
        needs=frozenset({"secret_key", "project_id"}), takes=frozenset({"region"})
    ),
    "sendgrid": Provider(needs=frozenset({"api_key"}), sends_any_part=True),
    "sparkpost": Provider(
        needs=frozenset({"api_key"}),
        takes=frozenset({"subaccount"}),
        regions={"eu": "https://api.eu.sparkpost.com/api/v1"},
    ),
    "unisender_go": Provider(
        needs=frozenset({"api_key", "region"}),
        regions={
            "go1": "https://go1.unisender.ru/ru/transactional/api/v1",
            "go2": "https://go2.unisender.ru/ru/transactional/api/v1",
        },
    ),
}

# What an application may choose for itself.
FOR_APPLICATIONS = frozenset(name for name, one in PROVIDERS.items() if not one.has_own_address)


def problems_of(
    name: str, options: Mapping[str, object], *, is_ours: bool = False
) -> dict[str, str]:
    """Say what is wrong with the options for a provider, by option; nothing when they will do.

    `is_ours`: the operator of the installation gives them, who may also name an address.
    """
    provider = PROVIDERS.get(name)
    if provider is None or not (is_ours or name in FOR_APPLICATIONS):
        return {"provider": "There is no such provider."}
    needed = provider.needs | ({API_URL} if provider.has_own_address else frozenset())
    known = needed | provider.takes | (frozenset({"region"}) if provider.regions else frozenset())
    if is_ours:
        known |= {API_URL}
    problems = dict.fromkeys(options.keys() - known, "This option is not known.")
    problems |= dict.fromkeys(needed - options.keys(), "This option is missing.")
    for one in known & options.keys():
        if problem := _problem_of(one, options[one], provider):
            problems[one] = problem
    return problems


def _problem_of(name: str, value: object, provider: Provider) -> str:
    if not isinstance(value, str) or not value or len(value) > _LENGTH:
        return "The value of an option is a text."
    # They become headers and parts of addresses.
    if not value.isascii() or not value.isprintable() or " " in value:
        return "The value of an option is made of printable signs, without blanks."
    if name == "region" and provider.regions and value not in provider.regions:
        return f"The region is one of: {', '.join(sorted(provider.regions))}."
    return ""


def arguments_of(name: str, options: Mapping[str, str]) -> dict[str, str]:
    """Give what the backend of a provider is opened with.

    Raises KeyError for a provider or a region that there is not.
    """
    arguments = dict(options)
    if (regions := PROVIDERS[name].regions) and (region := arguments.pop("region", "")):
        arguments[API_URL] = regions[region]
    return arguments


def installation_of(name: str, options: str) -> dict[str, str]:
    """Read EMAIL_PROVIDER and EMAIL_PROVIDER_OPTIONS; without a provider there is nothing.

    Raises ValueError.
    """
    if not name and not options.strip():
        return {}
    given = orjson.loads(options or "{}")
    if not isinstance(given, dict) or problems_of(name, given, is_ours=True):
        raise ValueError(name)
    return {"provider": name, **given}


def webhooks_of(secret: str, options: str) -> dict[str, object]:
    """Read ANYMAIL_WEBHOOK_SECRET and ANYMAIL_WEBHOOK_OPTIONS, as the setting ANYMAIL wants them.

    Raises ValueError.
    """
    given = orjson.loads(options or "{}")
    if not isinstance(given, dict) or not given.keys() <= _WEBHOOK_OPTIONS:
        raise ValueError(options)
    secrets = [one for one in secret.split(",") if one]
    for one in secrets:
        user, _, password = one.partition(":")
        if not user or len(password) < _SECRET_LENGTH:
            raise ValueError(secret)
    if any(not isinstance(value, str) or not value for value in given.values()):
        raise ValueError(options)
    return {**given, **({"WEBHOOK_SECRET": secrets} if secrets else {})}


_SECRET_LENGTH = 16
# By what some providers sign their reports besides; `django-anymail` names them so.
_WEBHOOK_OPTIONS = frozenset(
    {"MAILGUN_WEBHOOK_SIGNING_KEY", "MAILERSEND_SIGNING_SECRET", "MANDRILL_WEBHOOK_KEY"}
    | {"MANDRILL_WEBHOOK_URL", "POSTAL_WEBHOOK_KEY", "UNISENDER_GO_API_KEY"}
)
