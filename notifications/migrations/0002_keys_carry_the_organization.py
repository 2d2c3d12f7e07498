"""Foreign keys between rows of a tenant carry the organisation: none can point across."""

from django.db import migrations

from config.kernel.models import CompositeForeignKey


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
        ("agents", "0002_keys_carry_the_organization"),
    ]

    operations = [
        CompositeForeignKey(
            "notifications_channelsettings", "application_id", "agents_application"
        ),
        CompositeForeignKey(
            "notifications_messagetemplate", "application_id", "agents_application"
        ),
        CompositeForeignKey("notifications_subscription", "application_id", "agents_application"),
        CompositeForeignKey("notifications_notification", "application_id", "agents_application"),
        CompositeForeignKey(
            "notifications_notificationcontent", "notification_id", "notifications_notification"
        ),
    ]
