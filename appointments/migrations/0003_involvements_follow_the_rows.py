"""Triggers derive whose an appointment is: whatever writes appointments, lists find them.

An agent has to do with an appointment as its organizer, as its target or as a participant.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION frontdesk_involve(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    WITH wanted AS (
        SELECT a.organization_id, a.application_id, a.id AS appointment_id, whose.agent_id,
            bool_or(whose.organizes) AS is_organizer, bool_or(whose.assigned) AS is_assigned,
            CASE WHEN a.state <> 'CANCELLED' THEN a.start END AS start
        FROM appointments_appointment AS a
        CROSS JOIN LATERAL (
            SELECT a.organizer_id::uuid AS agent_id, true AS organizes, false AS assigned
            WHERE a.organizer_type = 'AGENT'
            UNION ALL
            SELECT a.target_id::uuid, false, true WHERE a.target_type = 'AGENT'
            UNION ALL
            SELECT p.user_id, false, true FROM appointments_participant AS p
            WHERE p.appointment_id = a.id AND p.type = 'AGENT'
        ) AS whose
        WHERE a.id = ANY(ids)
        GROUP BY a.id, whose.agent_id
    ), gone AS (
        DELETE FROM appointments_involvement AS i
        WHERE i.appointment_id = ANY(ids) AND NOT EXISTS (
            SELECT FROM wanted AS w
            WHERE w.appointment_id = i.appointment_id AND w.agent_id = i.agent_id)
    )
    INSERT INTO appointments_involvement AS i (
        id, organization_id, application_id, appointment_id, agent_id, is_organizer, is_assigned,
        start)
    SELECT gen_random_uuid(), organization_id, application_id, appointment_id, agent_id,
        is_organizer, is_assigned, start
    FROM wanted
    ON CONFLICT (appointment_id, agent_id) DO UPDATE
    SET is_organizer = EXCLUDED.is_organizer, is_assigned = EXCLUDED.is_assigned,
        start = EXCLUDED.start
    WHERE (i.is_organizer, i.is_assigned, i.start)
        IS DISTINCT FROM (EXCLUDED.is_organizer, EXCLUDED.is_assigned, EXCLUDED.start);
$$;

CREATE FUNCTION frontdesk_involve_appointments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM frontdesk_involve(array_agg(id)) FROM new_rows HAVING count(*) > 0;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM appointments_involvement AS i USING old_rows
        WHERE i.appointment_id = old_rows.id;
    ELSE
        PERFORM frontdesk_involve(array_agg(n.id))
        FROM new_rows AS n JOIN old_rows AS o USING (id)
        WHERE (n.organizer_type, n.organizer_id, n.target_type, n.target_id, n.start,
                n.state = 'CANCELLED')
            IS DISTINCT FROM (o.organizer_type, o.organizer_id, o.target_type, o.target_id,
                o.start, o.state = 'CANCELLED')
        HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION frontdesk_involve_participants() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM frontdesk_involve(array_agg(DISTINCT appointment_id))
    FROM changed WHERE type = 'AGENT' HAVING count(*) > 0;
    RETURN NULL;
END $$;

CREATE TRIGGER appointment_involved_insert AFTER INSERT ON appointments_appointment
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION frontdesk_involve_appointments();
CREATE TRIGGER appointment_involved_update AFTER UPDATE ON appointments_appointment
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION frontdesk_involve_appointments();
CREATE TRIGGER appointment_involved_delete AFTER DELETE ON appointments_appointment
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION frontdesk_involve_appointments();
CREATE TRIGGER participant_involved_insert AFTER INSERT ON appointments_participant
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION frontdesk_involve_participants();
CREATE TRIGGER participant_involved_delete AFTER DELETE ON appointments_participant
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION frontdesk_involve_participants();
"""
BACKWARD = """
DROP FUNCTION frontdesk_involve_appointments() CASCADE;
DROP FUNCTION frontdesk_involve_participants() CASCADE;
DROP FUNCTION frontdesk_involve(uuid[]);
"""


class Migration(migrations.Migration):
    dependencies = [("appointments", "0002_keys_carry_the_organization")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
