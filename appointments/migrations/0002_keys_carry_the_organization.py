"""Foreign keys between rows of a tenant carry the organisation: none can point across."""

from django.db import migrations

from config.kernel.models import CompositeForeignKey


class Migration(migrations.Migration):
    dependencies = [
        ("appointments", "0001_initial"),
        ("agents", "0002_keys_carry_the_organization"),
    ]

    operations = [
        CompositeForeignKey("appointments_appointment", "application_id", "agents_application"),
        CompositeForeignKey(
            "appointments_participant", "appointment_id", "appointments_appointment"
        ),
        CompositeForeignKey("appointments_participant", "user_id", "agents_user"),
        CompositeForeignKey("appointments_participant", "customer_id", "agents_customer"),
        CompositeForeignKey(
            "appointments_involvement", "appointment_id", "appointments_appointment"
        ),
        CompositeForeignKey("appointments_involvement", "application_id", "agents_application"),
        CompositeForeignKey("appointments_tombstone", "application_id", "agents_application"),
    ]
