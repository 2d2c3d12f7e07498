"""Settings: one module, read from the environment. docs/deployment.md lists every variable."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.env import env, flag, integer, read, words
from config.ice import ice_servers_of
from config.kernel.time import parse_duration
from config.sms import gateway_of, sms_of
from notifications.providers import FOR_APPLICATIONS, installation_of, webhooks_of

BASE_DIR = Path(__file__).resolve().parent.parent


def _database(text: str) -> dict[str, object]:
    database: dict[str, object] = env.db_url_config(text)
    if "postgresql" not in str(database.get("ENGINE")) or not database.get("NAME"):
        raise ValueError(text)
    return database


def _redis(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError(text)
    return text


def _origin(text: str) -> str:
    if not text.startswith(("http://", "https://")) or " " in text:
        raise ValueError(text)
    return text.rstrip("/")


def _keys(text: str) -> list[str]:
    keys = [key for key in text.split(",") if key]
    if not keys or any(len(key) < 32 for key in keys):
        raise ValueError(text)
    return keys


# --- Where things are -----------------------------------------------------------------------

# `make run` sets it; production does not. It shows /dev/ pages and prints links, nothing more.
LOCAL = flag("FRONTDESK_LOCAL", default=False)
DEBUG = False
FRONTDESK_HOME = Path(env.str("FRONTDESK_HOME", default=str(BASE_DIR / "var"))).absolute()
PORT = integer("PORT", default=8000, least=1, most=65535)
PUBLIC_URL = read(
    "PUBLIC_URL", _origin, default=f"http://127.0.0.1:{PORT}", wanted="an http or https origin"
)
ALLOWED_HOSTS = words("ALLOWED_HOSTS", default="127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS", default=PUBLIC_URL)
# How many proxies in front may be believed about the caller's address.
TRUSTED_PROXIES = integer("TRUSTED_PROXIES", default=0, most=10)

# The first key signs and seals, the others still read: rotate by putting a new one in front.
SECRET_KEYS = read(
    "SECRET_KEY", _keys, default="", wanted="one or more keys of at least 32 characters"
)
SECRET_KEY = SECRET_KEYS[0]
SECRET_KEY_FALLBACKS = SECRET_KEYS[1:]

# --- The applications -----------------------------------------------------------------------

INSTALLED_APPS = [
    "config.kernel.adminsite.FrontdeskAdminConfig",  # django.contrib.admin, behind our own door
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "notifications",
    "agents",
    "appointments",
    "engage",
]

MIDDLEWARE = [
    "config.kernel.correlation.CorrelationMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.kernel.middleware.PageCSPMiddleware",
    "config.kernel.middleware.PageSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "config.kernel.middleware.PageCsrfViewMiddleware",
    "config.kernel.middleware.PageAuthenticationMiddleware",
    "config.kernel.middleware.PageMessageMiddleware",
    "config.kernel.middleware.PageXFrameOptionsMiddleware",
    "config.kernel.exceptions.ApiErrorsMiddleware",
]

ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "config.kernel.exceptions.csrf_failure"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "agents.User"
# Paths are served with and without a trailing slash, without a redirect that would lose a body.
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL and Redis -------------------------------------------------------------------

_DATABASE = read(
    "DATABASE_URL",
    _database,
    default="postgres://frontdesk@127.0.0.1:5432/frontdesk",
    wanted="postgres://user:password@host:port/name",
)
DATABASES = {
    "default": {
        **_DATABASE,
        "ENGINE": "config.kernel.postgres",
        "CONN_MAX_AGE": integer("DATABASE_CONN_MAX_AGE", default=300),
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": {
            "connect_timeout": 3,
            "application_name": "frontdesk",
            # A statement that takes longer is a bug or an attack, and must not hold others up.
            "options": "-c statement_timeout=5s -c lock_timeout=2s"
            " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        },
    }
}
REDIS_URL = read(
    "REDIS_URL", _redis, default="redis://127.0.0.1:6379/0", wanted="redis://host:port/number"
)

# --- Celery: it moves nudges and runs the workers; no wait and no retry lives in the broker ---

CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default=REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_WORKER_POOL = "threads"
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "retry_policy": {"max_retries": 0},
    # Nobody needs a nudge back that a worker had in its hands. Where kombu keeps them in Redis, it
    # wants to put them back when Redis has died, and the worker ends over it.
    "ack_emulation": False,
}
CELERY_BEAT_SCHEDULE_FILENAME = str(FRONTDESK_HOME / "beat" / "schedule")
# What nobody took in a minute is worthless: beat says it again, and workers look by themselves.
CELERY_BEAT_SCHEDULE = {
    name.rpartition(".")[2].replace("_", "-"): {
        "task": name,
        "schedule": schedule,
        "options": {"expires": 60},
    }
    for name, schedule in (
        ("appointments.finish_due_appointments", timedelta(seconds=15)),
        ("appointments.note_who_vanished", timedelta(seconds=15)),
        ("appointments.erase_expired_details", timedelta(minutes=10)),
        ("appointments.compact_totals", timedelta(minutes=1)),
        ("notifications.make_partitions", crontab(minute=7)),
        ("notifications.erase_forgotten", timedelta(minutes=1)),
        ("notifications.note_beat", timedelta(seconds=30)),
        ("notifications.purge_history", crontab(hour=2, minute=23)),
        ("appointments.prove_notifications", crontab(hour=3, minute=41)),
        ("agents.forget_expired", crontab(minute=17)),
        ("agents.end_idle_desks", timedelta(minutes=1)),
        ("agents.move_waiting_calls", timedelta(seconds=5)),
    )
}

# --- Mail -----------------------------------------------------------------------------------


def _email(text: str) -> dict[str, object]:
    config: dict[str, object] = env.email_url_config(text)
    if not str(config["EMAIL_BACKEND"]).endswith("smtp.EmailBackend") or not config["EMAIL_HOST"]:
        raise ValueError(text)
    return config


_EMAIL = read(
    "EMAIL_URL",
    _email,
    default="smtp://127.0.0.1:1025",
    wanted="smtp://, smtp+tls:// or smtp+ssl://user:password@host:port",
)
EMAIL_BACKEND = str(_EMAIL["EMAIL_BACKEND"])
EMAIL_HOST = str(_EMAIL["EMAIL_HOST"])
EMAIL_PORT = int(str(_EMAIL["EMAIL_PORT"] or 25))
EMAIL_HOST_USER = str(_EMAIL["EMAIL_HOST_USER"] or "")
EMAIL_HOST_PASSWORD = str(_EMAIL["EMAIL_HOST_PASSWORD"] or "")
EMAIL_USE_TLS = bool(_EMAIL.get("EMAIL_USE_TLS"))
EMAIL_USE_SSL = bool(_EMAIL.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Frontdesk <frontdesk@localhost>")

# A provider's API in place of SMTP; notifications/providers.py has their names and options.
_EMAIL_PROVIDER = env.str("EMAIL_PROVIDER", default="").strip().lower()
NOTIFICATIONS_EMAIL = read(
    "EMAIL_PROVIDER_OPTIONS",
    lambda text: installation_of(_EMAIL_PROVIDER, text),
    default="",
    wanted="the options of a known EMAIL_PROVIDER, all of them and no others, as a JSON object",
)
_ANYMAIL_MODULE = "notifications.transports.email.anymail"
if NOTIFICATIONS_EMAIL:
    EMAIL_BACKEND = f"{_ANYMAIL_MODULE}.InstallationBackend"
# What providers report comes in at /anymail/, and only while there is a secret to prove them by.
_ANYMAIL_SECRET = env.str("ANYMAIL_WEBHOOK_SECRET", default="")
ANYMAIL = read(
    "ANYMAIL_WEBHOOK_SECRET" if _ANYMAIL_SECRET else "ANYMAIL_WEBHOOK_OPTIONS",
    lambda _: webhooks_of(_ANYMAIL_SECRET, env.str("ANYMAIL_WEBHOOK_OPTIONS", default="")),
    default="",
    wanted="user:password with at least 16 characters in the password, several separated by"
    " commas, and in ANYMAIL_WEBHOOK_OPTIONS a JSON object of signing keys",
)

# --- SMS: config/sms.py says what SMS_URL and SMS_GATEWAY can hold ---------------------------

_SMS_GATEWAY = read(
    "SMS_GATEWAY", gateway_of, default="", wanted="the description of a gateway, in JSON"
)
_SMS = read(
    "SMS_URL",
    lambda text: sms_of(text, gateway=_SMS_GATEWAY),
    default="gateway://" if _SMS_GATEWAY else "phone://" if LOCAL else "",
    wanted="twilio://ACCOUNT:TOKEN@api.twilio.com?from=NUMBER, gateway:// (with SMS_GATEWAY)"
    " or phone://",
)

# --- Notifications --------------------------------------------------------------------------

# channel → the module that hands its messages over; a channel without one waits.
NOTIFICATIONS_TRANSPORTS = {
    "EMAIL": _ANYMAIL_MODULE if NOTIFICATIONS_EMAIL else "notifications.transports.email.smtp",
    **_SMS.transports,
}
NOTIFICATIONS_SMS = _SMS.options
# channel → the providers that an application can choose for itself, by name.
NOTIFICATIONS_PROVIDERS: dict[str, dict[str, str]] = {
    "EMAIL": dict.fromkeys(sorted(FOR_APPLICATIONS), _ANYMAIL_MODULE),
    "SMS": {
        "twilio": "notifications.transports.sms.twilio",
        "gateway": "notifications.transports.sms.gateway",
    },
}


def _retries(text: str) -> list[timedelta]:
    return [timedelta(seconds=float(word)) for word in text.split(",")]


NOTIFICATIONS_RETRIES = {
    "EMAIL": read(
        "NOTIFICATIONS_RETRIES_EMAIL",
        _retries,
        default="60,300,1800,7200",
        wanted="seconds, separated by commas",
    ),
    "SMS": read(
        "NOTIFICATIONS_RETRIES_SMS",
        _retries,
        default="60,300,1800,7200",
        wanted="seconds, separated by commas",
    ),
    "WEBHOOKS": read(
        "NOTIFICATIONS_RETRIES_WEBHOOKS",
        _retries,
        default="2,10,300,1800,7200,18000,36000,50400,72000,86400",
        wanted="seconds, separated by commas",
    ),
}
# How long after it was submitted a provider is asked how it went, and how long after each answer.
NOTIFICATIONS_POLLS = read(
    "NOTIFICATIONS_POLLS",
    _retries,
    default="2,5,10,30,60,300,900,3600,21600",
    wanted="seconds, separated by commas",
)
# Webhooks go to public hosts by https; this lets them go to any host, by http too. Never set it
# where strangers may subscribe.
WEBHOOKS_ALLOW_PRIVATE_ADDRESSES = flag("WEBHOOKS_ALLOW_PRIVATE_ADDRESSES", default=False)
# Requests that one worker has under way at once, to all receivers together.
WEBHOOKS_IN_FLIGHT = integer("WEBHOOKS_IN_FLIGHT", default=256, least=1, most=1000)
# A receiver that has failed for so long is paused, and asked so long after each question.
WEBHOOKS_PAUSE_AFTER = timedelta(seconds=integer("WEBHOOKS_PAUSE_AFTER", default=86400, least=1))
WEBHOOKS_PROBES = read(
    "WEBHOOKS_PROBES", _retries, default="60,300,900", wanted="seconds, separated by commas"
)


def _kept(text: str) -> timedelta:
    kept = parse_duration(text, most=None).value
    if kept < timedelta(days=30):
        raise ValueError(text)
    return kept


# How long it is on record who was told what; `manage.py purge_history` takes away what is older.
NOTIFICATIONS_HISTORY_KEPT = read(
    "HISTORY_KEPT", _kept, default="P400D", wanted="an ISO 8601 duration of at least 30 days"
)
NOTIFICATIONS_LEASE = timedelta(seconds=integer("NOTIFICATIONS_LEASE", default=60, least=5))
NOTIFICATIONS_BATCH = integer("NOTIFICATIONS_BATCH", default=100, least=1, most=1000)

# --- The room: config/ice.py says what ICE_SERVERS can hold -----------------------------------


def _turn_secret(text: str) -> str:
    if text and len(text) < 16:
        raise ValueError(text)
    return text


TURN_SECRET = read(
    "TURN_SECRET", _turn_secret, default="", wanted="at least 16 characters, as the relay has them"
)
# Without any, browsers find each other within one network and over public addresses only.
ICE_SERVERS = read(
    "ICE_SERVERS",
    lambda text: ice_servers_of(text, has_secret=bool(TURN_SECRET)),
    default="",
    wanted='a JSON list such as [{"urls": "stun:stun.example.org:3478"}], with stun:, turn: or'
    " turns: addresses, and relays with username and credential unless TURN_SECRET is set",
)

# --- Who may come in ------------------------------------------------------------------------

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "day"
LOGOUT_REDIRECT_URL = "login"

AGENTS_TOKEN_ISSUER = env.str("TOKEN_ISSUER", default="frontdesk")
AGENTS_TOKEN_AUDIENCE = env.str("TOKEN_AUDIENCE", default="frontdesk")
AGENTS_OUTSIDE_ISSUER = {
    # An outside identity provider: all of the first three, or none.
    "issuer": env.str("OIDC_ISSUER", default=""),
    "audience": env.str("OIDC_AUDIENCE", default=""),
    "jwks": env.str("OIDC_JWKS", default=""),
    "algorithm": env.str("OIDC_ALGORITHM", default="RS256"),
    "roles_claim": env.str("OIDC_ROLES_CLAIM", default="roles"),
    "organization_claim": env.str("OIDC_ORGANIZATION_CLAIM", default="organization_id"),
    "conference_claim": env.str("OIDC_CONFERENCE_CLAIM", default="conferenceId"),
}
# Whether requests that only the desk's cookie proves must carry a header besides: it is
# SameSite=Lax, so other sites cannot have it sent.
AGENTS_DESK_CSRF = flag("DESK_CSRF_PROTECTION", default=False)
# Whoever has not been heard of for so long is logged out of everything.
AGENTS_DESK_IDLE = timedelta(minutes=integer("DESK_IDLE_MINUTES", default=30, least=1))
# Milliseconds for which a desktop's request for news is held: less than any proxy in front waits.
AGENTS_COMETD_TIMEOUT = integer("COMETD_TIMEOUT", default=30_000, least=1_000, most=300_000)
# Held requests of one browser; 0 is any number.
AGENTS_COMETD_CLIENTS_PER_BROWSER = integer("COMETD_CLIENTS_PER_BROWSER", default=0, most=100)
# It is JSONP: news can be read by any page that a browser shows.
AGENTS_COMETD_CALLBACK_POLLING = flag("COMETD_CALLBACK_POLLING", default=False)
# What makes and moves calls; another one is a class with the methods of agents.switch.protocol.
AGENTS_SWITCH = env.str("SWITCH", default="agents.switch.embedded.EmbeddedSwitch")
# How long a telephone rings that nobody answers.
AGENTS_SWITCH_RINGS_FOR = timedelta(seconds=integer("SWITCH_RINGS_FOR", default=30, least=5))
# Of the embedded switch: numbers outside that are busy, and that nobody answers.
AGENTS_SWITCH_BUSY_NUMBERS = words("SWITCH_BUSY_NUMBERS")
AGENTS_SWITCH_SILENT_NUMBERS = words("SWITCH_SILENT_NUMBERS")
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ISSUER": AGENTS_TOKEN_ISSUER,
    "AUDIENCE": AGENTS_TOKEN_AUDIENCE,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=1),
    "USER_ID_CLAIM": "sub",
    "UPDATE_LAST_LOGIN": False,
}

# --- The APIs -------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["agents.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["agents.api.permissions.RolesOfOperation"],
    "DEFAULT_PARSER_CLASSES": ["config.kernel.json.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.kernel.json.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "config.kernel.json.JSONOnly",
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_THROTTLE_CLASSES": ["config.kernel.throttling.CourtesyThrottle"],
    "EXCEPTION_HANDLER": "config.kernel.exceptions.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": False,
}


def _rate(text: str) -> str:
    number, _, unit = text.partition("/")
    if int(number) < 1 or unit not in {"s", "sec", "min", "hour", "day"}:
        raise ValueError(text)
    return text


# Courtesy, counted in Redis: by caller, and by address where nobody is proven. So high that only
# a client that has run wild meets it; lower it where that is still too much for the machine.
API_RATE = read("API_RATE", _rate, default="300000/min", wanted="a rate such as 6000/min")
API_RATE_ANONYMOUS = read(
    "API_RATE_ANONYMOUS", _rate, default="60000/min", wanted="a rate such as 600/min"
)
# Without a token, on the booking pages and by the API, for each address.
FREE_TIMES_RATE = read("FREE_TIMES_RATE", _rate, default="600/min", wanted="a rate such as 600/min")
# Outgoing HTTP goes to public hosts on ports 80 and 443; these are allowed besides, as they are
# written in the address: host, or host:port.
OUTGOING_ALLOWED_HOSTS = words("OUTGOING_ALLOWED_HOSTS")
OUTGOING_PORTS = read(
    "OUTGOING_PORTS",
    lambda text: [int(port) for port in text.split(",") if port],
    default="",
    wanted="port numbers, separated by commas",
)
OUTGOING_CA_FILE = env.str("OUTGOING_CA_FILE", default="")
SPECTACULAR_SETTINGS = {
    "TITLE": "Frontdesk",
    "DESCRIPTION": "Appointments, and who is told of them.",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": False,
    "PREPROCESSING_HOOKS": ["config.kernel.openapi.documented_paths_only"],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "ParticipantState": "appointments.models.ParticipantState",
        "ParticipantType": "appointments.models.ParticipantType",
        "RoutingType": "appointments.models.RoutingType",
        "AssignmentTargetType": "appointments.models.TargetType",
        "InteractionState": "appointments.models.InteractionState",
        "NotificationState": "notifications.models.Status",
        "NotificationType": "notifications.models.NotificationType",
        "RecipientType": "notifications.models.RecipientType",
        "WebhookAuth": "notifications.models.WebhookAuth",
        "WebhookEventType": "notifications.webhook_rules.EVENT_TYPES",
        "WantedEventType": "notifications.models.kinds.EVENT_TYPES",
        "WebhookFormat": "notifications.models.WebhookFormat",
        "WebhookState": "notifications.services.subscriptions.SubscriptionState",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# --- Pages ----------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = FRONTDESK_HOME / "media"
# Production runs collectstatic; until then, and locally, files are served from where they lie.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = LOCAL or not STATIC_ROOT.is_dir()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "frontdesk_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 60 * 60
SECURE = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SECURE_SSL_REDIRECT = False  # the proxy in front ends TLS
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Time, words and logs -------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch"), ("el", "Ελληνικά")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
if LOG_LEVEL not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
    raise ImproperlyConfigured("LOG_LEVEL is not valid: expected DEBUG, INFO, WARNING or ERROR.")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"redacted": {"()": "config.kernel.logging.RedactingFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "redacted"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        # A line for each nudge and each look of the clock says nothing.
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
SILENCED_SYSTEM_CHECKS = [
    "security.W008",  # SECURE_SSL_REDIRECT: the proxy in front ends TLS
    # They look for Django's own names; config.kernel.middleware has both, for pages.
    "security.W002",
    "security.W003",
]
