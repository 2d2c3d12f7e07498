from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table is written to while its index is built.
    atomic = False

    dependencies = [
        ('appointments', '0012_participant_is_in_room'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='participant',
            index=models.Index(condition=models.Q(('is_in_room', True)), fields=['id'], name='participant_in_room'),
        ),
    ]
