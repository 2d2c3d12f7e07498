"""Rows that guard the doors: counters, codes and remembered requests."""

from __future__ import annotations

from django.db import models

from config.kernel import limits
from config.kernel.models import TenantModel, TenantQuerySet, unique_in_organization


class SecurityCounter(models.Model):
    """How often something was tried in a window: counted by one upsert, and failing closed."""

    # A fingerprint, never the user name or address itself.
    key = models.BinaryField(primary_key=True)
    count = models.PositiveIntegerField(default=0)
    window_ends_at = models.DateTimeField()

    objects = models.Manager()

    class Meta:
        # Clean-up of windows that have ended.
        indexes = [models.Index(fields=["window_ends_at"], name="securitycounter_ended")]

    def __str__(self) -> str:
        return f"{self.count} until {self.window_ends_at}"


class OneTimeCode(TenantModel):
    """A code that proves an address once, for one application (RELIABILITY: one-time codes)."""

    application = models.ForeignKey(
        "agents.Application", on_delete=models.CASCADE, db_constraint=False, related_name="+"
    )
    # Fingerprint of the normalised address; the address itself goes when the code was sent.
    address = models.BinaryField()
    digest = models.BinaryField()
    tries = models.PositiveSmallIntegerField(default=0)
    used_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    # What the sender needs, sealed; emptied by the claim, so a code is sent at most once.
    sealed = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet["OneTimeCode"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("onetimecode"),
            models.CheckConstraint(
                condition=models.Q(tries__lte=limits.CODE_TRIES), name="onetimecode_tries"
            ),
        ]
        indexes = [
            # The newest code of an address: agents.services.codes.
            models.Index(fields=["application", "address", "-created_at"], name="onetimecode_of"),
            # Those that wait to be sent.
            models.Index(
                fields=["created_at"],
                condition=models.Q(sealed__isnull=False),
                name="onetimecode_unsent",
            ),
        ]

    def __str__(self) -> str:
        return f"until {self.expires_at}"


class IdempotentRequest(TenantModel):
    """The first answer to a POST with an Idempotency-Key, kept for 24 hours."""

    # Fingerprint of caller, operation and key.
    key = models.BinaryField()
    body = models.BinaryField()
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantQuerySet["IdempotentRequest"].as_manager()

    class Meta:
        constraints = [
            unique_in_organization("idempotentrequest"),
            models.UniqueConstraint(fields=["organization", "key"], name="idempotentrequest_once"),
        ]
        # Clean-up after 24 hours.
        indexes = [models.Index(fields=["created_at"], name="idempotentrequest_old")]

    def __str__(self) -> str:
        return f"{self.created_at}"
