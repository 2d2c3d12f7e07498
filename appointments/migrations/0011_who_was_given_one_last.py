from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table is written to while its index is built.
    atomic = False

    dependencies = [
        ('appointments', '0010_feed_stamps'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='participant',
            index=models.Index(condition=models.Q(('type', 'AGENT')), fields=['user', '-id'], name='participant_given'),
        ),
    ]
