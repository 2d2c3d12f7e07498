from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('appointments', '0011_who_was_given_one_last'),
    ]

    operations = [
        migrations.AddField(
            model_name='participant',
            name='is_in_room',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
