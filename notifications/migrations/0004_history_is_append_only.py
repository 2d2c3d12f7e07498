"""History cannot be changed: a trigger refuses it outside the purge.

The purge says `SET LOCAL frontdesk.purging = 'on'`. Only `published_at` of the outbox is
written later, once, by the relay.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION frontdesk_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('frontdesk.purging', true) = 'on' THEN
        RETURN COALESCE(NEW, OLD);
    END IF;
    IF TG_OP = 'UPDATE' AND TG_ARGV[0] IS NOT NULL
        AND to_jsonb(NEW) - TG_ARGV[0] = to_jsonb(OLD) - TG_ARGV[0]
        AND to_jsonb(OLD) ->> TG_ARGV[0] IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'history is append-only: % of % refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER outbox_event_append_only BEFORE UPDATE OR DELETE ON outbox_event
    FOR EACH ROW EXECUTE FUNCTION frontdesk_append_only('published_at');
CREATE TRIGGER notification_event_append_only BEFORE UPDATE OR DELETE ON notification_event
    FOR EACH ROW EXECUTE FUNCTION frontdesk_append_only();
"""
BACKWARD = """
DROP TRIGGER outbox_event_append_only ON outbox_event;
DROP TRIGGER notification_event_append_only ON notification_event;
DROP FUNCTION frontdesk_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_partition_history")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
