import appointments.models.appointment
import config.kernel.ids
import datetime
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('agents', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Equality of UUIDs inside a GiST index: exclusion and overlap.
        BtreeGistExtension(),
        migrations.CreateModel(
            name='Appointment',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(blank=True, max_length=100)),
                ('title', models.CharField(blank=True, max_length=255)),
                ('notes', models.TextField(blank=True)),
                ('metadata', models.JSONField(blank=True, null=True)),
                ('start', models.DateTimeField(null=True)),
                ('end', models.DateTimeField(null=True)),
                ('duration', models.DurationField(null=True)),
                ('trailing_buffer', models.DurationField(default=datetime.timedelta(0))),
                ('timezone', models.CharField(max_length=64)),
                ('locale', models.CharField(default='en-US', max_length=20)),
                ('state', models.CharField(choices=[('SCHEDULED', 'Scheduled'), ('ACTIVATED', 'Activated'), ('IN_PROGRESS', 'In progress'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('NO_SHOW', 'No-show'), ('CANCELLED', 'Cancelled')], default='SCHEDULED', max_length=12)),
                ('request_status', models.CharField(blank=True, choices=[('REQUESTED', 'Asked for'), ('INVITED', 'Invited')], default='', max_length=12)),
                ('activated_at', models.DateTimeField(null=True)),
                ('was_activated_by_hand', models.BooleanField(default=False)),
                ('access_expires_at', models.DateTimeField(null=True)),
                ('details_expire_at', models.DateTimeField(null=True)),
                ('organizer_type', models.CharField(choices=[('AGENT', 'Agent'), ('CUSTOMER', 'Customer')], max_length=10)),
                ('organizer_id', models.CharField(max_length=100)),
                ('target_type', models.CharField(blank=True, choices=[('AGENT', 'Agent'), ('QUEUE', 'Queue'), ('ANY', 'Any free agent')], max_length=10)),
                ('target_id', models.CharField(blank=True, max_length=100)),
                ('interaction_state', models.CharField(choices=[('PENDING', 'Pending'), ('COMPLETE', 'Complete')], default='PENDING', max_length=10)),
                ('routing_type', models.CharField(blank=True, choices=[('GENESYS_CLOUD_FLOW', 'Flow'), ('GENESYS_CLOUD_QUEUE', 'Queue'), ('TALKDESK_DIGITAL_CONNECT', 'Digital connect')], max_length=30)),
                ('routing_properties', models.JSONField(default=dict)),
                ('custom_fields', models.JSONField(null=True)),
                ('interaction_properties', models.JSONField(default=dict)),
                ('notifications_active', models.BooleanField(default=True)),
                ('notification_headers', models.JSONField(null=True)),
                ('master_key', models.BinaryField()),
                ('schedule_version', models.PositiveIntegerField(default=1)),
                ('sequence', models.PositiveIntegerField(default=0)),
                ('event_count', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('created_by_kind', models.CharField(choices=[('USER', 'User'), ('CLIENT', 'Service'), ('CUSTOMER', 'Customer'), ('SYSTEM', 'Frontdesk itself')], max_length=10)),
                ('created_by_id', models.CharField(blank=True, max_length=100)),
                ('created_from', models.CharField(blank=True, max_length=30)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_by_kind', models.CharField(choices=[('USER', 'User'), ('CLIENT', 'Service'), ('CUSTOMER', 'Customer'), ('SYSTEM', 'Frontdesk itself')], max_length=10)),
                ('updated_by_id', models.CharField(blank=True, max_length=100)),
                ('updated_from', models.CharField(blank=True, max_length=30)),
                ('application', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='agents.application')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='DayTotal',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('application_id', models.UUIDField()),
                ('agent_id', models.UUIDField(null=True)),
                ('day', models.DateField()),
                ('change', models.BigIntegerField()),
                ('is_new', models.BooleanField(db_default=True, default=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='Involvement',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('agent_id', models.UUIDField()),
                ('is_organizer', models.BooleanField(default=False)),
                ('is_assigned', models.BooleanField(default=False)),
                ('start', models.DateTimeField(null=True)),
                ('application', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.application')),
                ('appointment', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='involvements', to='appointments.appointment')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='Participant',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(choices=[('AGENT', 'Agent'), ('CUSTOMER', 'Customer')], max_length=10)),
                ('role', models.CharField(choices=[('PRIMARY', 'Primary'), ('SECONDARY', 'Secondary')], default='PRIMARY', max_length=10)),
                ('state', models.CharField(blank=True, choices=[('WAITING', 'Waiting'), ('JOINED', 'Joined'), ('LEFT', 'Left')], max_length=10)),
                ('first_joined_at', models.DateTimeField(null=True)),
                ('error_data', models.JSONField(null=True)),
                ('ticket_fingerprint', models.BinaryField(null=True)),
                ('ticket_sealed', models.BinaryField(null=True)),
                ('ticket_used_at', models.DateTimeField(null=True)),
                ('occupies', django.contrib.postgres.fields.ranges.DateTimeRangeField(null=True)),
                ('is_exclusive', models.BooleanField(default=False)),
                ('first_name', models.CharField(blank=True, max_length=150)),
                ('last_name', models.CharField(blank=True, max_length=150)),
                ('email', models.CharField(blank=True, max_length=254)),
                ('phone', models.CharField(blank=True, max_length=40)),
                ('username', models.CharField(blank=True, max_length=254)),
                ('metadata', models.JSONField(null=True)),
                ('erased_at', models.DateTimeField(null=True)),
                ('appointment', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='participants', to='appointments.appointment')),
                ('customer', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='agents.customer')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Tombstone',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('start', models.DateTimeField(null=True)),
                ('end', models.DateTimeField(null=True)),
                ('timezone', models.CharField(max_length=64)),
                ('sequence', models.PositiveIntegerField()),
                ('event_count', models.PositiveIntegerField()),
                ('deleted_at', models.DateTimeField()),
                ('deleted_by_kind', models.CharField(choices=[('USER', 'User'), ('CLIENT', 'Service'), ('CUSTOMER', 'Customer'), ('SYSTEM', 'Frontdesk itself')], max_length=10)),
                ('deleted_by_id', models.CharField(blank=True, max_length=100)),
                ('application', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.application')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(fields=['organization', 'start', 'id'], include=('state',), name='appointment_list'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('start__isnull', False), models.Q(('state', 'CANCELLED'), _negated=True)), fields=['application', 'start', 'id'], name='appointment_list_app'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('start__isnull', False), models.Q(('state', 'CANCELLED'), _negated=True)), fields=['organization', 'end', 'id'], name='appointment_by_end'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('start__isnull', False), models.Q(('state', 'CANCELLED'), _negated=True)), fields=['organization', 'duration', 'id'], name='appointment_by_duration'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('start__isnull', False), models.Q(('state', 'CANCELLED'), _negated=True)), fields=['organization', 'title', 'id'], name='appointment_by_title'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('state__in', ['ACTIVATED', 'IN_PROGRESS', 'SCHEDULED'])), fields=['end'], name='appointment_unfinished'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('activated_at__isnull', True), ('state', 'SCHEDULED')), fields=['organization', 'start', 'id'], name='appointment_eligible'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=django.contrib.postgres.indexes.GistIndex(models.F('application'), appointments.models.appointment.Period('start', 'end'), condition=models.Q(('start__isnull', False), ('state__in', ['ACTIVATED', 'IN_PROGRESS', 'SCHEDULED'])), name='appointment_overlap'),
        ),
        migrations.AddIndex(
            model_name='appointment',
            index=models.Index(condition=models.Q(('details_expire_at__isnull', False)), fields=['details_expire_at'], name='appointment_details'),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='appointment_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('duration__isnull', True), ('end__isnull', True), ('start__isnull', True)), models.Q(('duration__isnull', False), ('end__isnull', False), ('start__isnull', False)), _connector='OR'), name='appointment_has_a_whole_time_or_none'),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.CheckConstraint(condition=models.Q(('start__isnull', True), ('end__gt', models.F('start')), _connector='OR'), name='appointment_ends_after_start'),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.CheckConstraint(condition=models.Q(('start__isnull', False), models.Q(('request_status', ''), _negated=True), _connector='OR'), name='appointment_without_time_is_a_request'),
        ),
        migrations.AddConstraint(
            model_name='appointment',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ['SCHEDULED', 'ACTIVATED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'NO_SHOW', 'CANCELLED'])), name='appointment_state_known'),
        ),
        migrations.AddIndex(
            model_name='daytotal',
            index=models.Index(fields=['organization', 'agent_id', 'day'], include=('application_id', 'change'), name='daytotal_sum'),
        ),
        migrations.AddIndex(
            model_name='daytotal',
            index=models.Index(condition=models.Q(('is_new', True)), fields=['id'], name='daytotal_new'),
        ),
        migrations.AddIndex(
            model_name='involvement',
            index=models.Index(fields=['agent_id', 'start', 'appointment'], name='involvement_list'),
        ),
        migrations.AddConstraint(
            model_name='involvement',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='involvement_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='involvement',
            constraint=models.UniqueConstraint(fields=('appointment', 'agent_id'), name='involvement_once'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(fields=['appointment', 'id'], name='participant_of'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=django.contrib.postgres.indexes.GistIndex(condition=models.Q(('occupies__isnull', False)), fields=['user', 'occupies'], name='participant_occupied'),
        ),
        migrations.AddIndex(
            model_name='participant',
            index=models.Index(condition=models.Q(('customer__isnull', False)), fields=['customer'], name='participant_customer'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='participant_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.UniqueConstraint(fields=('appointment', 'user'), name='participant_agent_once'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.UniqueConstraint(fields=('ticket_fingerprint',), name='participant_ticket_unique'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('type', 'AGENT'), ('user__isnull', False)), models.Q(('type', 'CUSTOMER'), ('user__isnull', True)), _connector='OR'), name='participant_agent_is_a_user'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=models.CheckConstraint(condition=models.Q(('occupies__isnull', True), ('type', 'AGENT'), _connector='OR'), name='participant_only_agents_are_occupied'),
        ),
        migrations.AddConstraint(
            model_name='participant',
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(condition=models.Q(('is_exclusive', True), ('occupies__isnull', False)), expressions=[('organization', '='), ('user', '='), ('occupies', '&&')], name='participant_agent_free'),
        ),
        migrations.AddConstraint(
            model_name='tombstone',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='tombstone_in_organization'),
        ),
    ]
