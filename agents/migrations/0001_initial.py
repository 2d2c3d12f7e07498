import agents.models.tenancy
import config.kernel.ids
import datetime
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('is_active', models.BooleanField(default=True)),
                ('notifications_on', models.BooleanField(default=True, help_text='While this is off, nothing is sent for the whole organisation.')),
                ('next_customer_number', models.PositiveIntegerField(default=1, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Application',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('is_default', models.BooleanField(default=False)),
                ('kind', models.CharField(choices=[('GENESYS', 'Genesys'), ('TALKDESK', 'Talkdesk')], default='GENESYS', max_length=16)),
                ('deployment_id', models.CharField(blank=True, max_length=100)),
                ('touchpoint_id', models.CharField(blank=True, max_length=100)),
                ('environment', models.CharField(blank=True, help_text='Sent as pcEnvironment.', max_length=100)),
                ('activates_automatically', models.BooleanField(default=True, help_text='An appointment is activated as soon as it is booked.')),
                ('agents_see_only_their_own', models.BooleanField(default=True, help_text='Agents can only view appointments assigned to them.')),
                ('notifications_active', models.BooleanField(default=True, help_text='Copied to each appointment when it is booked.')),
                ('prevent_overlaps', models.BooleanField(default=False, help_text='An agent has one appointment at a time.')),
                ('notify_agents', models.BooleanField(default=False, help_text='Agents get the mails about their appointments too.')),
                ('customers_may_book', models.BooleanField(default=True)),
                ('default_locale', models.CharField(default='en-US', max_length=20, validators=[agents.models.tenancy._valid_locale])),
                ('default_timezone', models.CharField(default='UTC', max_length=64, validators=[agents.models.tenancy.valid_zone])),
                ('default_country', models.CharField(blank=True, help_text='Country of phone numbers that are given without one.', max_length=2, validators=[django.core.validators.RegexValidator('^[A-Z]{2}$', 'Two capital letters, for instance DE.')])),
                ('ticket_length', models.PositiveSmallIntegerField(choices=[(9, '9 characters'), (6, '6 characters: can be guessed')], default=9)),
                ('tickets_are_reusable', models.BooleanField(default=True)),
                ('ticket_grace', models.DurationField(default=datetime.timedelta(seconds=14400), help_text='How long tickets outlive the end.', validators=[django.core.validators.MinValueValidator(datetime.timedelta(0)), django.core.validators.MaxValueValidator(datetime.timedelta(days=3650))])),
                ('details_kept_for', models.DurationField(default=datetime.timedelta(days=30), help_text="How long a customer's details outlive the end.", validators=[django.core.validators.MinValueValidator(datetime.timedelta(0)), django.core.validators.MaxValueValidator(datetime.timedelta(days=3650))])),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='ApiClient',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('prefix', models.CharField(editable=False, max_length=16, unique=True)),
                ('digest', models.BinaryField()),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('ROLE_AGENT', 'Agent'), ('ROLE_SUPERVISOR', 'Supervisor'), ('ROLE_ADMIN', 'Administrator'), ('ROLE_CLIENT_SERVICE', 'Service'), ('ROLE_CUSTOMER', 'Customer')], max_length=20), default=list, size=None)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'verbose_name': 'API client',
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('username', models.EmailField(help_text='An e-mail address.', max_length=254, unique=True, verbose_name='user name')),
                ('first_name', models.CharField(blank=True, max_length=150)),
                ('last_name', models.CharField(blank=True, max_length=150)),
                ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('ROLE_AGENT', 'Agent'), ('ROLE_SUPERVISOR', 'Supervisor'), ('ROLE_ADMIN', 'Administrator'), ('ROLE_CLIENT_SERVICE', 'Service'), ('ROLE_CUSTOMER', 'Customer')], max_length=20), blank=True, default=list, size=None)),
                ('is_active', models.BooleanField(default=True)),
                ('is_superuser', models.BooleanField(default=False)),
                ('change_password_on_first_login', models.BooleanField(default=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('organization', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='SecurityCounter',
            fields=[
                ('key', models.BinaryField(primary_key=True, serialize=False)),
                ('count', models.PositiveIntegerField(default=0)),
                ('window_ends_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['window_ends_at'], name='securitycounter_ended')],
            },
        ),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
        ),
        migrations.CreateModel(
            name='TeamMember',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
                ('team', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, to='agents.team')),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='team',
            name='members',
            field=models.ManyToManyField(related_name='teams', through='agents.TeamMember', to=settings.AUTH_USER_MODEL),
        ),
        migrations.CreateModel(
            name='OneTimeCode',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('address', models.BinaryField()),
                ('digest', models.BinaryField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('used_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('sealed', models.BinaryField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('application', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.application')),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['application', 'address', '-created_at'], name='onetimecode_of'), models.Index(condition=models.Q(('sealed__isnull', False)), fields=['created_at'], name='onetimecode_unsent')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'id'), name='onetimecode_in_organization'), models.CheckConstraint(condition=models.Q(('tries__lte', 5)), name='onetimecode_tries')],
            },
        ),
        migrations.CreateModel(
            name='IdempotentRequest',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.BinaryField()),
                ('body', models.BinaryField()),
                ('status', models.PositiveSmallIntegerField(null=True)),
                ('answer', models.BinaryField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='idempotentrequest_old')],
                'constraints': [models.UniqueConstraint(fields=('organization', 'id'), name='idempotentrequest_in_organization'), models.UniqueConstraint(fields=('organization', 'key'), name='idempotentrequest_once')],
            },
        ),
        migrations.CreateModel(
            name='ExternalIdentity',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('issuer', models.CharField(max_length=500)),
                ('subject', models.CharField(max_length=255)),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'verbose_name_plural': 'external identities',
                'constraints': [models.UniqueConstraint(fields=('organization', 'id'), name='externalidentity_in_organization'), models.UniqueConstraint(fields=('issuer', 'subject'), name='externalidentity_issuer_subject')],
            },
        ),
        migrations.CreateModel(
            name='Customer',
            fields=[
                ('id', models.UUIDField(default=config.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField(editable=False)),
                ('first_name', models.CharField(blank=True, max_length=150)),
                ('last_name', models.CharField(blank=True, max_length=150)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('phone', models.CharField(blank=True, max_length=40)),
                ('locale', models.CharField(blank=True, max_length=20)),
                ('timezone', models.CharField(blank=True, max_length=64)),
                ('external_id', models.CharField(blank=True, max_length=100)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='agents.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'id'), name='customer_in_organization'), models.UniqueConstraint(fields=('organization', 'number'), name='customer_number_unique')],
            },
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='application_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('organization',), name='application_one_default'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('ticket_length__in', [6, 9])), name='application_ticket_length'),
        ),
        migrations.AddConstraint(
            model_name='application',
            constraint=models.CheckConstraint(condition=models.Q(('ticket_grace__range', (datetime.timedelta(0), datetime.timedelta(days=3650))), ('details_kept_for__range', (datetime.timedelta(0), datetime.timedelta(days=3650)))), name='application_keeps_forward'),
        ),
        migrations.AddConstraint(
            model_name='apiclient',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='apiclient_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='apiclient',
            constraint=models.CheckConstraint(condition=models.Q(('roles__contained_by', ['ROLE_AGENT', 'ROLE_SUPERVISOR', 'ROLE_ADMIN', 'ROLE_CLIENT_SERVICE', 'ROLE_CUSTOMER'])), name='apiclient_roles_known'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='user_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('username', django.db.models.functions.text.Lower('username'))), name='user_name_in_lower_case'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('roles__contained_by', ['ROLE_AGENT', 'ROLE_SUPERVISOR', 'ROLE_ADMIN', 'ROLE_CLIENT_SERVICE', 'ROLE_CUSTOMER'])), name='user_roles_known'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('organization__isnull', False), ('is_superuser', True), _connector='OR'), name='user_has_organization_or_operates'),
        ),
        migrations.AddConstraint(
            model_name='teammember',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='teammember_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='teammember',
            constraint=models.UniqueConstraint(fields=('team', 'user'), name='teammember_once'),
        ),
        migrations.AddConstraint(
            model_name='team',
            constraint=models.UniqueConstraint(fields=('organization', 'id'), name='team_in_organization'),
        ),
        migrations.AddConstraint(
            model_name='team',
            constraint=models.UniqueConstraint(fields=('organization', 'name'), name='team_name_unique'),
        ),
    ]
