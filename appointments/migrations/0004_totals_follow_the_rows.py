"""Triggers keep the day totals: whatever writes appointments, in bulk or one by one, counts.

A statement adds rows with the changes and never updates one, so that no booking waits for
another one of the same day.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION frontdesk_count_appointments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO appointments_daytotal (organization_id, application_id, day, change)
        SELECT organization_id, application_id, (start AT TIME ZONE 'UTC')::date, count(*)
        FROM new_rows WHERE start IS NOT NULL AND state <> 'CANCELLED' GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO appointments_daytotal (organization_id, application_id, day, change)
        SELECT organization_id, application_id, (start AT TIME ZONE 'UTC')::date, -count(*)
        FROM old_rows WHERE start IS NOT NULL AND state <> 'CANCELLED' GROUP BY 1, 2, 3;
    ELSE
        INSERT INTO appointments_daytotal (organization_id, application_id, day, change)
        SELECT organization_id, application_id, (start AT TIME ZONE 'UTC')::date, sum(change)
        FROM (
            SELECT organization_id, application_id, start, 1 AS change FROM new_rows
            WHERE start IS NOT NULL AND state <> 'CANCELLED'
            UNION ALL
            SELECT organization_id, application_id, start, -1 FROM old_rows
            WHERE start IS NOT NULL AND state <> 'CANCELLED'
        ) AS changes
        GROUP BY 1, 2, 3 HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION frontdesk_count_involvements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO appointments_daytotal (organization_id, application_id, agent_id, day, change)
        SELECT organization_id, application_id, agent_id, (start AT TIME ZONE 'UTC')::date, count(*)
        FROM new_rows WHERE start IS NOT NULL GROUP BY 1, 2, 3, 4;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO appointments_daytotal (organization_id, application_id, agent_id, day, change)
        SELECT organization_id, application_id, agent_id, (start AT TIME ZONE 'UTC')::date, -count(*)
        FROM old_rows WHERE start IS NOT NULL GROUP BY 1, 2, 3, 4;
    ELSE
        INSERT INTO appointments_daytotal (organization_id, application_id, agent_id, day, change)
        SELECT organization_id, application_id, agent_id, (start AT TIME ZONE 'UTC')::date, sum(change)
        FROM (
            SELECT organization_id, application_id, agent_id, start, 1 AS change FROM new_rows
            WHERE start IS NOT NULL
            UNION ALL
            SELECT organization_id, application_id, agent_id, start, -1 FROM old_rows
            WHERE start IS NOT NULL
        ) AS changes
        GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0;
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER {table}_counted_insert AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {table}_counted_update AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {table}_counted_delete AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
"""
BACKWARD = """
DROP FUNCTION frontdesk_count_appointments() CASCADE;
DROP FUNCTION frontdesk_count_involvements() CASCADE;
"""
APPOINTMENT = TRIGGERS.format(
    table="appointments_appointment", function="frontdesk_count_appointments"
)
INVOLVEMENT = TRIGGERS.format(
    table="appointments_involvement", function="frontdesk_count_involvements"
)


class Migration(migrations.Migration):
    dependencies = [("appointments", "0003_involvements_follow_the_rows")]

    operations = [migrations.RunSQL(FORWARD + APPOINTMENT + INVOLVEMENT, BACKWARD)]
