"""Foreign keys between rows of a tenant carry the organisation: none can point across."""

from django.db import migrations

from config.kernel.models import CompositeForeignKey, OrganizationKey


class Migration(migrations.Migration):
    dependencies = [("notifications", "0005_channels_feeds_and_proof")]

    operations = [
        CompositeForeignKey(
            "notifications_signingsecret", "subscription_id", "notifications_subscription"
        ),
        OrganizationKey("notifications_undeliverable"),
    ]
