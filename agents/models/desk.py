"""The desk: what agents work with, who sits where, and how ready everybody is.

The names of states, modes and media are those that agents' desktops read
(contract, lifecycle.user_state).
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.timezone import now as current_time

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class WorkState(models.TextChoices):
    """Whether somebody gets work on a device or a channel (cc.lifecycle.user_state)."""

    LOGOUT = "Logout", "Logged out"
    NOT_READY = "NotReady", "Not ready"
    READY = "Ready", "Ready"


class WorkMode(models.TextChoices):
    """What a state is more exactly."""

    MANUAL_IN = "ManualIn", "Manual in"
    AUTO_IN = "AutoIn", "Auto in"
    RETURN_BACK = "ReturnBack", "Return back"
    AFTER_CALL_WORK = "AfterCallWork", "After-call work"
    AUX_WORK = "AuxWork", "Auxiliary work"
    LEGAL_GUARD = "LegalGuard", "Legal guard"
    NO_CALL_DISCONNECT = "NoCallDisconnect", "No call disconnect"
    WALK_AWAY = "WalkAway", "Walk away"


class Medium(models.TextChoices):
    """By what customers reach agents."""

    VOICE = "voice", "Voice"
    EMAIL = "email", "E-mail"
    CHAT = "chat", "Chat"


class AgentState(TenantModel):
    """A state that an organisation has given a name of its own, beside those that are built in."""

    operation_name = models.CharField(max_length=limits.NAME_LENGTH)
    display_name = models.CharField(max_length=limits.NAME_LENGTH)
    state = models.CharField(max_length=10, choices=WorkState.choices)
    work_mode = models.CharField(max_length=20, choices=WorkMode.choices, blank=True)
    reason = models.CharField(max_length=limits.NAME_LENGTH, blank=True)

    objects = TenantQuerySet["AgentState"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("agentstate"),
            models.UniqueConstraint(
                fields=["organization", "operation_name"], name="agentstate_operation_unique"
            ),
            models.UniqueConstraint(
                fields=["organization", "reason"],
                condition=~Q(reason=""),
                name="agentstate_reason_unique",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[WorkState.READY, WorkState.NOT_READY]),
                name="agentstate_state",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


class Standing(models.Model):
    """How ready somebody is on a device or a channel, and since when."""

    state = models.CharField(
        max_length=10, choices=WorkState.choices, default=WorkState.LOGOUT, editable=False
    )
    work_mode = models.CharField(
        max_length=20, choices=WorkMode.choices, blank=True, editable=False
    )
    reason = models.CharField(max_length=limits.NAME_LENGTH, blank=True, editable=False)
    state_since = models.DateTimeField(default=current_time, editable=False)
    # While it is on, Ready is shown as NotReady, and comes back afterwards.
    do_not_disturb = models.BooleanField(default=False, editable=False)

    class Meta:
        abstract = True

    @property
    def meaning(self) -> tuple[str, str, str]:
        """Give state, mode and reason as they were set last."""
        return self.state, self.work_mode, self.reason

    @property
    def shown(self) -> tuple[str, str, str]:
        """Give state, mode and reason as everybody sees them (cc.lifecycle.dnd.r1)."""
        if self.do_not_disturb and self.state == WorkState.READY:
            return WorkState.NOT_READY, "", ""
        return self.meaning

    @property
    def takes_work(self) -> bool:
        """Whether calls from queues and invitations come in."""
        return self.shown[0] == WorkState.READY

    def put(self, state: str, work_mode: str, reason: str, *, now: datetime) -> None:
        """Let it stand otherwise: mode and reason of before are gone, too."""
        if self.meaning != (state, work_mode, reason):
            self.state, self.work_mode, self.reason = state, work_mode, reason
            self.state_since = now


class TelephonyNetwork(models.TextChoices):
    PRIVATE = "Private", "Private"
    PUBLIC = "Public", "Public"


class MonitoringKind(models.TextChoices):
    """How a supervisor takes part in the calls of somebody else."""

    LISTEN_IN = "ListenIn", "Listens"
    BARGE_IN = "BargeIn", "Talks with both"
    COACH = "Coach", "Talks with the agent alone"


class MonitoringMode(models.TextChoices):
    NEXT_CALL = "NextCall", "The present or next call"
    ALL_CALLS = "AllCalls", "All calls"


class MonitoringScope(models.TextChoices):
    CALL = "Call", "Until the call ends"
    AGENT = "Agent", "While the agent is in the call"


class Device(Standing, TenantModel):
    """A telephone; it has at most one user at a time (cc.lifecycle.device.r4)."""

    phone_number = models.CharField(max_length=limits.PHONE_LENGTH)
    model = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    vendor = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    kind = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    network = models.CharField(
        max_length=10, choices=TelephonyNetwork.choices, default=TelephonyNetwork.PRIVATE
    )
    user = models.ForeignKey(
        "agents.User",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_constraint=False,
        related_name="devices",
    )
    # Somebody is logged in on it: else it can neither dial nor be called.
    is_active = models.BooleanField(default=False, editable=False)
    forward_to = models.CharField(max_length=limits.PHONE_LENGTH, blank=True, editable=False)
    # The device of the supervisor who takes part in what happens here.
    monitored_by = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        db_constraint=False,
        related_name="monitored",
    )
    monitoring_kind = models.CharField(
        max_length=10, choices=MonitoringKind.choices, blank=True, editable=False
    )
    monitoring_mode = models.CharField(
        max_length=10, choices=MonitoringMode.choices, blank=True, editable=False
    )
    monitoring_scope = models.CharField(
        max_length=10, choices=MonitoringScope.choices, blank=True, editable=False
    )
    created_at = models.DateTimeField(default=current_time, editable=False)

    objects = TenantQuerySet["Device"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("device"),
            models.UniqueConstraint(
                fields=["organization", "phone_number"], name="device_number_unique"
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(user__isnull=False),
                name="device_active_with_a_user",
            ),
            models.CheckConstraint(
                condition=Q(monitored_by__isnull=True, monitoring_kind="")
                | Q(monitored_by__isnull=False) & ~Q(monitoring_kind=""),
                name="device_monitored_in_some_way",
            ),
        ]

    def __str__(self) -> str:
        return self.phone_number


class MediaChannel(Standing, TenantModel):
    """Somebody's e-mails or chats: how ready it is for them."""

    user = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="channels",
    )
    medium = models.CharField(max_length=10, choices=Medium.choices)
    # The person has logged in on it: what is said for all channels is said for this one too,
    # also after Offline, until the session ends.
    is_open = models.BooleanField(default=False, editable=False)

    objects = TenantQuerySet["MediaChannel"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("mediachannel"),
            models.UniqueConstraint(fields=["user", "medium"], name="mediachannel_once"),
            models.CheckConstraint(
                condition=~Q(medium=Medium.VOICE), name="mediachannel_has_no_voice"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_medium_display()}"


class StateInterval(TenantModel):
    """How ready somebody was from one moment to another: reports are made of these.

    Those of one device or channel of a person follow each other without gap or overlap; the last
    one is open.
    """

    user = models.ForeignKey(
        "agents.User",
        on_delete=models.CASCADE,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    medium = models.CharField(max_length=10, choices=Medium.choices)
    # Null for channels; a device's number is kept for when it is gone.
    device_id = models.UUIDField(null=True)
    number = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    state = models.CharField(max_length=10, choices=WorkState.choices)
    work_mode = models.CharField(max_length=20, choices=WorkMode.choices, blank=True)
    reason = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    do_not_disturb = models.BooleanField(default=False)
    period = DateTimeRangeField()

    objects = TenantQuerySet["StateInterval"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("stateinterval"),
            # Nulls are equal to nothing, so devices and channels are kept apart.
            ExclusionConstraint(
                name="stateinterval_one_at_a_time_on_a_device",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("device_id", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(device_id__isnull=False),
            ),
            ExclusionConstraint(
                name="stateinterval_one_at_a_time_on_a_channel",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("medium", RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ],
                condition=Q(device_id__isnull=True),
            ),
        ]
        indexes = [
            # The one that is to be closed.
            models.Index(
                fields=["user", "medium"],
                condition=Q(period__endswith__isnull=True),
                name="stateinterval_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.get_medium_display()}: {self.get_state_display()}"


class Place(TenantModel):
    """Where somebody sits: devices that are taken together, the first one to log in on."""

    name = models.CharField(max_length=limits.NAME_LENGTH)
    devices = models.ManyToManyField(Device, through="PlaceDevice", related_name="places")

    objects = TenantQuerySet["Place"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("place"),
            models.UniqueConstraint(fields=["organization", "name"], name="place_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class PlaceDevice(TenantModel):
    """That a device stands at a place, and in which order."""

    place = models.ForeignKey(
        Place, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    device = models.ForeignKey(
        Device, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    order = models.PositiveSmallIntegerField(default=0)

    objects = TenantQuerySet["PlaceDevice"].as_manager()

    class Meta:
        ordering = ["order", "id"]
        constraints = [
            unique_in_organization("placedevice"),
            models.UniqueConstraint(fields=["place", "device"], name="placedevice_once"),
        ]

    def __str__(self) -> str:
        return f"{self.device} at {self.place}"


class Seat(TenantModel):
    """The place at which somebody logs in without saying where."""

    user = models.OneToOneField(
        "agents.User", on_delete=models.CASCADE, db_constraint=False, related_name="seat"
    )
    place = models.ForeignKey(
        Place, on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )

    objects = TenantQuerySet["Seat"].as_manager()

    class Meta:
        constraints = [unique_in_organization("seat")]

    def __str__(self) -> str:
        return f"{self.user} at {self.place}"


class AgentLogin(TenantModel):
    """A code by which somebody logs in on a telephone."""

    code = models.CharField(max_length=limits.NAME_LENGTH)
    user = models.ForeignKey(
        "agents.User", on_delete=models.CASCADE, db_constraint=False, related_name="logins"
    )

    objects = TenantQuerySet["AgentLogin"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("agentlogin"),
            models.UniqueConstraint(fields=["organization", "code"], name="agentlogin_unique"),
        ]

    def __str__(self) -> str:
        return self.code


class Queue(TenantModel):
    """Where customers wait for one of several agents."""

    name = models.CharField(max_length=limits.NAME_LENGTH)
    medium = models.CharField(max_length=10, choices=Medium.choices, default=Medium.VOICE)
    phone_number = models.CharField(max_length=limits.PHONE_LENGTH, blank=True)
    agents = models.ManyToManyField("agents.User", through="QueueMember", related_name="queues")

    objects = TenantQuerySet["Queue"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("queue"),
            models.UniqueConstraint(fields=["organization", "name"], name="queue_name_unique"),
            models.UniqueConstraint(
                fields=["organization", "phone_number"],
                condition=~Q(phone_number=""),
                name="queue_number_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class QueueMember(TenantModel):
    """That somebody answers a queue."""

    queue = models.ForeignKey(
        Queue, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    user = models.ForeignKey(
        "agents.User", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )

    objects = TenantQuerySet["QueueMember"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("queuemember"),
            models.UniqueConstraint(fields=["queue", "user"], name="queuemember_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.queue}"


class DeskSession(TenantModel):
    """That somebody is at work: one for a person, whatever browsers it has open.

    It ends by the person's own word, or a while after its last sign (cc.lifecycle.session).
    """

    user = models.OneToOneField(
        "agents.User", on_delete=models.CASCADE, db_constraint=False, related_name="desk_session"
    )
    media = models.JSONField(default=list)
    login_code = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    queue = models.CharField(max_length=limits.NAME_LENGTH, blank=True)
    # Devices that were nobody's before: at the end they are so again.
    borrowed = ArrayField(models.UUIDField(), default=list)
    began_at = models.DateTimeField(default=current_time)
    seen_at = models.DateTimeField(default=current_time)

    objects = TenantQuerySet["DeskSession"].as_manager()

    class Meta:
        constraints = [unique_in_organization("desksession")]
        indexes = [
            # Those whose desktops have disappeared.
            models.Index(fields=["seen_at"], name="desksession_seen"),
        ]

    def __str__(self) -> str:
        return f"{self.user} since {self.began_at:%H:%M}"


class Contact(TenantModel):
    """A number that agents call often; colleagues and queues are contacts without a row."""

    name = models.CharField(max_length=limits.NAME_LENGTH)
    phone_number = models.CharField(max_length=limits.PHONE_LENGTH)

    objects = TenantQuerySet["Contact"].as_manager()

    class Meta:
        constraints = [unique_in_organization("contact")]

    def __str__(self) -> str:
        return self.name
