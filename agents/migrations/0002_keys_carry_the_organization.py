"""Foreign keys between rows of a tenant carry the organisation: none can point across."""

from django.db import migrations

from config.kernel.models import CompositeForeignKey, OrganizationKey


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial")]

    operations = [
        OrganizationKey("agents_application"),
        OrganizationKey("agents_apiclient"),
        OrganizationKey("agents_customer"),
        OrganizationKey("agents_idempotentrequest"),
        OrganizationKey("agents_team"),
        CompositeForeignKey("agents_externalidentity", "user_id", "agents_user"),
        CompositeForeignKey("agents_teammember", "team_id", "agents_team"),
        CompositeForeignKey("agents_teammember", "user_id", "agents_user"),
        CompositeForeignKey("agents_onetimecode", "application_id", "agents_application"),
    ]
