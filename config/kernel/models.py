"""What every row of a tenant has: a UUID, its organisation, and the query that keeps others out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.db import migrations, models

from config.kernel.ids import uuid7

if TYPE_CHECKING:
    from config.kernel.actors import Actor

M_co = TypeVar("M_co", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[M_co]):
    """Rows that belong to organisations; whatever serves a request starts at `visible_to`."""

    def visible_to(self, actor: Actor) -> Self:
        """Keep the rows of the actor's organisation: nobody else's exist for it."""
        return self.filter(organization_id=actor.organization_id)


class TenantModel(models.Model):
    """A row of one organisation.

    Foreign keys between such rows carry the organisation too (`CompositeForeignKey` in the
    migrations), so that no row can point across; Django's own constraint would repeat that.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # UNIQUE (organization_id, id) of each table serves look-ups by organisation. Composite keys
    # lead to a row whose organisation is checked (`OrganizationKey`), so this one need not be.
    organization = models.ForeignKey(
        "agents.Organization",
        on_delete=models.CASCADE,
        db_index=False,
        db_constraint=False,
        related_name="+",
    )

    class Meta:
        abstract = True


def unique_in_organization(table: str) -> models.UniqueConstraint:
    """Give the constraint that composite foreign keys point to."""
    return models.UniqueConstraint(fields=["organization", "id"], name=f"{table}_in_organization")


class CompositeForeignKey(migrations.RunSQL):
    """Let `table.(organization_id, column)` point to `target.(organization_id, id)`."""

    def __init__(self, table: str, column: str, target: str, **kwargs: Any) -> None:
        name = f"{table}_{column}_in_organization"[:63]
        super().__init__(
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}"'
            f' FOREIGN KEY (organization_id, "{column}")'
            f' REFERENCES "{target}" (organization_id, id)'
            " DEFERRABLE INITIALLY DEFERRED",
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"',
            **kwargs,
        )


class OrganizationKey(migrations.RunSQL):
    """Let `table.organization_id` point to an organisation, where no composite key does."""

    def __init__(self, table: str, **kwargs: Any) -> None:
        name = f"{table}_organization"
        super().__init__(
            f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}"'
            " FOREIGN KEY (organization_id) REFERENCES agents_organization (id)"
            " DEFERRABLE INITIALLY DEFERRED",
            f'ALTER TABLE "{table}" DROP CONSTRAINT "{name}"',
            **kwargs,
        )
