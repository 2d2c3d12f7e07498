import config.kernel.ids
import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import notifications.models.settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('agents', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('name', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('seen_at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('application_id', models.UUIDField()),
                ('subject_type', models.CharField(max_length=30)),
                ('subject_id', models.UUIDField()),
                ('type', models.CharField(choices=[('CREATE', 'Booked'), ('UPDATE', 'Changed'), ('RESCHEDULE', 'Moved'), ('REASSIGN', 'Handed over'), ('ROOM', 'Invitation to the room'), ('REMINDER', 'Reminder'), ('CANCELLED', 'Cancelled'), ('FOLLOW_UP', 'Follow-up'), ('IN_PROGRESS', 'In progress'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('NO_SHOW', 'No-show'), ('PARTICIPANT_ADDED', 'Participant added'), ('PARTICIPANT_REMOVED', 'Participant removed'), ('PARTICIPANT_UPDATED', 'Participant changed'), ('INTERACTION_UPDATED', 'Interaction changed')], max_length=20)),
                ('channel', models.CharField(choices=[('EMAIL', 'E-mail'), ('SMS', 'SMS'), ('WEBHOOKS', 'Webhook')], max_length=10)),
                ('recipient_type', models.CharField(choices=[('CUSTOMER', 'Customer'), ('AGENT', 'Agent'), ('SYSTEM', 'System')], max_length=10)),
                ('recipient_id', models.UUIDField()),
                ('offset', models.CharField(max_length=40, null=True)),
                ('cause', models.CharField(max_length=60)),
                ('status', models.CharField(choices=[('INITIALIZED', 'Planned'), ('PENDING', 'On its way'), ('DELIVERED', 'Delivered'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled')], default='INITIALIZED', max_length=12)),
                ('provider_status', models.CharField(blank=True, max_length=60)),
                ('scheduled_for', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('not_after', models.DateTimeField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('retry_count', models.PositiveIntegerField(default=0)),
                ('poll_attempts', models.PositiveIntegerField(default=0)),
                ('is_held', models.BooleanField(default=False)),
                ('message', models.CharField(blank=True, max_length=500)),
                ('error_message', models.CharField(blank=True, max_length=500)),
                ('message_id', models.CharField(blank=True, max_length=255)),
                ('conversation_id', models.CharField(blank=True, max_length=255)),
                ('snapshot', models.JSONField(default=dict)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='NotificationEvent',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('notification_id', models.UUIDField()),
                ('at', models.DateTimeField(default=django.utils.timezone.now)),
                ('status', models.CharField(choices=[('INITIALIZED', 'Planned'), ('PENDING', 'On its way'), ('DELIVERED', 'Delivered'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled')], max_length=12)),
                ('provider_status', models.CharField(blank=True, max_length=60)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('retry_count', models.PositiveIntegerField(default=0)),
                ('poll_attempts', models.PositiveIntegerField(default=0)),
                ('next_at', models.DateTimeField(null=True)),
                ('message', models.CharField(blank=True, max_length=500)),
                ('error_message', models.CharField(blank=True, max_length=500)),
                ('message_id', models.CharField(blank=True, max_length=255)),
                ('conversation_id', models.CharField(blank=True, max_length=255)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'db_table': 'notification_event',
            },
        ),
        migrations.CreateModel(
            name='OutboxEvent',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('application_id', models.UUIDField(null=True)),
                ('type', models.CharField(max_length=60)),
                ('subject_type', models.CharField(max_length=30)),
                ('subject_id', models.UUIDField()),
                ('subject_sequence', models.PositiveIntegerField()),
                ('actor_kind', models.CharField(choices=[('USER', 'User'), ('CLIENT', 'Service'), ('CUSTOMER', 'Customer'), ('SYSTEM', 'Frontdesk itself')], max_length=10)),
                ('actor_id', models.CharField(blank=True, max_length=100)),
                ('origin', models.CharField(blank=True, max_length=30)),
                ('correlation_id', models.CharField(blank=True, max_length=100)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
                ('facts', models.JSONField(default=dict)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('published_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'db_table': 'outbox_event',
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('url', models.URLField(max_length=2000)),
                ('types', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('CREATE', 'Booked'), ('UPDATE', 'Changed'), ('RESCHEDULE', 'Moved'), ('REASSIGN', 'Handed over'), ('ROOM', 'Invitation to the room'), ('REMINDER', 'Reminder'), ('CANCELLED', 'Cancelled'), ('FOLLOW_UP', 'Follow-up'), ('IN_PROGRESS', 'In progress'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('NO_SHOW', 'No-show'), ('PARTICIPANT_ADDED', 'Participant added'), ('PARTICIPANT_REMOVED', 'Participant removed'), ('PARTICIPANT_UPDATED', 'Participant changed'), ('INTERACTION_UPDATED', 'Interaction changed')], max_length=20), blank=True, default=list, help_text='Empty: all types.', size=None)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('application', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.application')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='ChannelSettings',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('channel', models.CharField(choices=[('EMAIL', 'E-mail'), ('SMS', 'SMS'), ('WEBHOOKS', 'Webhook')], max_length=10)),
                ('is_on', models.BooleanField(default=False)),
                ('reminder_offsets', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40, validators=[notifications.models.settings.validate_offset]), blank=True, default=list, help_text='How long before the start, for instance PT24H, PT1H.', size=20)),
                ('room_offsets', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40, validators=[notifications.models.settings.validate_offset]), blank=True, default=list, help_text='How long before the start the invitation to the room goes out.', size=20)),
                ('follow_up_offsets', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40, validators=[notifications.models.settings.validate_offset]), blank=True, default=list, help_text='How long after completion, for instance PT2H.', size=20)),
                ('sender', models.CharField(blank=True, help_text='Shown as the sender.', max_length=254)),
                ('application', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='channel_settings', to='agents.application')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'verbose_name': 'channel settings',
                'verbose_name_plural': 'channel settings',
                'constraints': [models.UniqueConstraint(fields=('organization', 'id'), name='channelsettings_in_organization'), models.UniqueConstraint(fields=('application', 'channel'), name='channelsettings_one_per_channel')],
            },
        ),
        migrations.CreateModel(
            name='MessageTemplate',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('type', models.CharField(choices=[('CREATE', 'Booked'), ('UPDATE', 'Changed'), ('RESCHEDULE', 'Moved'), ('REASSIGN', 'Handed over'), ('ROOM', 'Invitation to the room'), ('REMINDER', 'Reminder'), ('CANCELLED', 'Cancelled'), ('FOLLOW_UP', 'Follow-up'), ('IN_PROGRESS', 'In progress'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('NO_SHOW', 'No-show'), ('PARTICIPANT_ADDED', 'Participant added'), ('PARTICIPANT_REMOVED', 'Participant removed'), ('PARTICIPANT_UPDATED', 'Participant changed'), ('INTERACTION_UPDATED', 'Interaction changed')], max_length=20)),
                ('channel', models.CharField(choices=[('EMAIL', 'E-mail'), ('SMS', 'SMS'), ('WEBHOOKS', 'Webhook')], max_length=10)),
                ('locale', models.CharField(help_text='A language (de) or a locale (de-AT).', max_length=20)),
                ('subject', models.CharField(blank=True, max_length=255)),
                ('text', models.TextField(max_length=50000)),
                ('html', models.TextField(blank=True, max_length=200000)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('application', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.application')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'id'), name='messagetemplate_in_organization'), models.UniqueConstraint(fields=('application', 'type', 'channel', 'locale'), name='messagetemplate_one_per_locale')],
            },
        ),
        migrations.CreateModel(
            name='NotificationContent',
            fields=[
                ('notification', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='content', serialize=False, to='notifications.notification')),
                ('address', models.CharField(blank=True, max_length=254)),
                ('first_name', models.CharField(blank=True, max_length=150)),
                ('last_name', models.CharField(blank=True, max_length=150)),
                ('facts', models.JSONField(default=dict)),
                ('link', models.BinaryField(null=True)),
                ('subject', models.CharField(blank=True, max_length=500)),
                ('text', models.TextField(blank=True)),
                ('html', models.TextField(blank=True)),
                ('erase_at', models.DateTimeField(null=True)),
                ('erased_at', models.DateTimeField(null=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('due_at__isnull', False), ('is_held', False)), fields=['channel', 'due_at'], name='notification_due'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('due_at__isnull', False), ('is_held', False)), fields=['channel', 'organization', 'due_at'], name='notification_due_fairly'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(condition=models.Q(('is_held', True)), fields=['channel'], name='notification_held'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='notification_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.UniqueConstraint(fields=('subject_id', 'type', 'recipient_id', 'channel', 'offset', 'cause'), name='notification_planned_once', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(('due_at__isnull', True), models.Q(('status__in', ['CANCELLED', 'DELIVERED', 'FAILED']), _negated=True), _connector='OR'), name='notification_final_is_not_due'),
        ),
        migrations.AddConstraint(
            model_name='notification',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('scheduled_for__isnull', False), ('type__in', ['FOLLOW_UP', 'REMINDER', 'ROOM'])), models.Q(models.Q(('type__in', ['FOLLOW_UP', 'REMINDER', 'ROOM']), _negated=True), ('offset__isnull', True), ('scheduled_for__isnull', True)), _connector='OR'), name='notification_scheduled_types_have_a_time'),
        ),
        migrations.AddIndex(
            model_name='notificationevent',
            index=models.Index(fields=['notification_id', 'at'], name='notification_event_of'),
        ),
        migrations.AddIndex(
            model_name='outboxevent',
            index=models.Index(fields=['subject_id', 'subject_sequence'], name='outbox_event_subject'),
        ),
        migrations.AddIndex(
            model_name='subscription',
            index=models.Index(fields=['application'], name='subscription_application'),
        ),
        migrations.AddConstraint(
            model_name='subscription',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='subscription_in_organization'),
        ),
        migrations.AddIndex(
            model_name='notificationcontent',
            index=models.Index(condition=models.Q(('erase_at__isnull', False), ('erased_at__isnull', True)), fields=['erase_at'], name='notificationcontent_erase'),
        ),
    ]
