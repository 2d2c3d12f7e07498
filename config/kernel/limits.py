"""Every limit of the product: serializers, the schema and the tests read them here."""

from datetime import timedelta

BODY_BYTES = 1024 * 1024
JSON_DEPTH = 32
PAGE_SIZE = 25
PAGE_SIZE_MAX = 1000
PAGE_NUMBER_MAX = 2**63 - 1  # int64, as the contract says
QUERY_VALUES_MAX = 100

TITLE_LENGTH = 255
NOTES_LENGTH = 10_000
NAME_LENGTH = 150
PASSWORD_LENGTH = 1_000
TOKEN_BYTES = 8 * 1024
EMAIL_LENGTH = 254
PHONE_LENGTH = 40
USERNAME_LENGTH = 254
ID_LENGTH = 100
# Of the booking webhook (webhook.appointment.post.r71).
EXTERNAL_ID_LENGTH = 255
IMAGE_LENGTH = 65_535
VIDEO_URL_LENGTH = 2_000
# Of the catalogue.
POSTAL_CODE_LENGTH = 40
TAGS_MAX = 100
QUESTIONS_PER_FORM = 100
OPTIONS_PER_QUESTION = 100
ZONE_LENGTH = 64
LOCALE_LENGTH = 20
MESSAGE_LENGTH = 2_000
CUSTOMERS_PER_APPOINTMENT = 100
AGENTS_PER_APPOINTMENT = 50
MAP_ENTRIES = 100
MAP_KEY_LENGTH = 200
MAP_VALUE_LENGTH = 4_000
METADATA_BYTES = 64 * 1024
HEADERS_MAX = 20
HEADER_VALUE_LENGTH = 1_000

# Longer than any appointment, and short enough that every end lies within the years of
# PostgreSQL and Python.
DURATION_MAX = timedelta(days=366)
TIME_FRAME_MAX = timedelta(days=366)
TRAILING_BUFFER_MAX = timedelta(days=1)
YEAR_MIN, YEAR_MAX = 1900, 2200

# Working hours and free slots.
SKILL_LEVEL_MAX = 100
BUFFER_MAX = timedelta(days=1)
NOTICE_MAX = HORIZON_MAX = timedelta(days=3650)
# What one question for free slots may ask: the days to look at, and the length of one.
SLOT_WINDOW_MAX = timedelta(days=62)
SLOT_LENGTH_MAX = timedelta(days=1)
# What one answer holds: free times, and agents who could take them.
SLOTS_MAX = 10_000
SLOT_AGENTS_MAX = 100_000
# Intervals that one person or office keeps in a week, and single days ahead with their own.
INTERVALS_PER_WEEK = 50
SINGLE_DAYS_AHEAD = 366
ORIGINS_MAX = 20
# Appointments of an absent agent that are moved at once.
RESCUE_MOVES_MAX = 200

IDEMPOTENCY_KEY_LENGTH = 255
IDEMPOTENCY_KEPT = timedelta(hours=24)

# Failed look-ups of secrets (tickets, codes, passwords), counted in PostgreSQL and failing closed.
LOGIN_FAILURES = 10
# A whole office may stand behind one address.
LOGIN_FAILURES_PER_ADDRESS = 100
LOGIN_WINDOW = timedelta(minutes=5)
# Of a desk's user name from one address, and from everywhere.
DESK_FAILURES = 10
DESK_FAILURES_PER_NAME = 100
TICKET_FAILURES_PER_ADDRESS = 20
TICKET_FAILURES_IN_ALL = 2_000
TICKET_WINDOW = timedelta(minutes=5)
CALENDAR_FAILURES_PER_ADDRESS = 20
CALENDAR_FAILURES_IN_ALL = 2_000
CALENDAR_WINDOW = timedelta(minutes=5)
CODE_DIGITS = 6
CODE_LIFETIME = timedelta(minutes=10)
CODE_TRIES = 5
CODE_SENDS = 3
CODE_SENDS_PER_SENDER = 30
CODE_SEND_WINDOW = timedelta(minutes=15)

# An invite that nobody answers keeps its customer's details for so long, and then as others do.
INVITE_OPEN_FOR = timedelta(days=90)

# The room where people meet by video. Everybody sends to everybody, so that more than four
# would need more upstream than homes have.
ROOM_PEOPLE = 4
ROOM_OPENS_BEFORE = timedelta(minutes=15)
# Who has not been heard of for so long has left; a reload takes less.
ROOM_GONE_AFTER = timedelta(seconds=30)
# How long it is believed that an address still opens the room.
ROOM_CHECKED_FOR = timedelta(seconds=60)
ROOM_SIGNAL_BYTES = 32 * 1024
ROOM_SIGNALS_AT_ONCE = 16
ROOM_SIGNALS_QUEUED = 128
ROOM_REQUESTS_PER_MINUTE = 300
ROOM_MOVES_PER_MINUTE = 20

# Calendars that others subscribe to: live addresses of one agent or office, events in one file.
CALENDAR_FEEDS = 10
CALENDAR_EVENTS = 10_000

# The desk. A cookie that nobody has used for so long is over, and any after so long.
DESK_COOKIE_IDLE = timedelta(hours=1)
DESK_COOKIE_LIFETIME = timedelta(hours=24)
DESK_COOKIE_SEEN_EVERY = timedelta(minutes=1)
# How seldom it is written down that somebody's desktop is there.
DESK_SEEN_EVERY = timedelta(seconds=30)
# Credentials that a process remembers to be right.
DESK_REMEMBERED = 10_000
RECORDINGS_PAGE_MAX = 100

# How long parties outside, who were handed over to one another, may be in a call by themselves.
CALL_OUTSIDE_MAX = timedelta(hours=1)

# What desktops are told at once. What waits for a client that does not fetch it; then it is gone.
COMETD_QUEUE = 1_000
COMETD_EVENTS_PER_ANSWER = 250
COMETD_BYTES_PER_ANSWER = 1024 * 1024
COMETD_CLIENTS_PER_USER = 32
COMETD_SUBSCRIPTIONS = 100
COMETD_MESSAGES_PER_BODY = 100
# How long a client may have been away that asks for what it missed.
COMETD_REPLAY = timedelta(minutes=10)
COMETD_KEPT = timedelta(minutes=15)

# Webhook subscriptions.
URL_LENGTH = 2_000
SUBSCRIPTIONS_PER_APPLICATION = 20
CREDENTIAL_LENGTH = 2_000
# A secret that was replaced stays valid for so long, and so many are valid at a time.
SECRET_OVERLAP = timedelta(hours=24)
SECRETS_AT_ONCE = 3
FEED_PAGE_SIZE = 100
FEED_PAGE_SIZE_MAX = 1000
WEBHOOK_TEST_SECONDS = 5
# Of one organisation in a minute: each holds a thread of web while the receiver thinks.
WEBHOOK_TESTS = 30
# Mails by which an administrator tries an e-mail service out.
EMAIL_CHECKS = 60
