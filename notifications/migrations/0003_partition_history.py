"""The outbox and the notification events are partitioned by month from the first day.

Doing it later would mean to copy years of history. The tables are empty here, so they are made
anew. A default partition takes what no month has: a row is never refused for its date.
"""

from django.db import migrations

PARTITION = """
ALTER TABLE {table} RENAME TO {table}_plain;
CREATE TABLE {table} (LIKE {table}_plain INCLUDING DEFAULTS) PARTITION BY RANGE ({moment});
DROP TABLE {table}_plain;
ALTER TABLE {table} ADD CONSTRAINT {table}_pkey PRIMARY KEY (id, {moment});
CREATE INDEX {index};
CREATE TABLE {table}_default PARTITION OF {table} DEFAULT;
DO $$
DECLARE month date := date_trunc('month', now());
BEGIN
    FOR step IN 0..3 LOOP
        EXECUTE format(
            'CREATE TABLE {table}_%s PARTITION OF {table} FOR VALUES FROM (%L) TO (%L)',
            to_char(month, 'YYYY_MM'),
            to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
        month := month + interval '1 month';
    END LOOP;
END $$;
"""
PLAIN = """
ALTER TABLE {table} RENAME TO {table}_parted;
CREATE TABLE {table} (LIKE {table}_parted INCLUDING DEFAULTS);
INSERT INTO {table} SELECT * FROM {table}_parted;
DROP TABLE {table}_parted;
ALTER TABLE {table} ADD PRIMARY KEY (id);
CREATE INDEX {index};
"""
OUTBOX = {
    "table": "outbox_event",
    "moment": "recorded_at",
    "index": "outbox_event_subject ON outbox_event (subject_id, subject_sequence)",
}
EVENTS = {
    "table": "notification_event",
    "moment": "at",
    "index": "notification_event_of ON notification_event (notification_id, at)",
}


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_keys_carry_the_organization")]

    operations = [
        migrations.RunSQL(PARTITION.format(**OUTBOX), PLAIN.format(**OUTBOX)),
        migrations.RunSQL(PARTITION.format(**EVENTS), PLAIN.format(**EVENTS)),
    ]
