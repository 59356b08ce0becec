"""The database itself refuses to change an entry; a deleted one is seen by the chain (audit.services)."""

from django.db import migrations

SQLITE = """
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_auditentry
BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END;
"""
POSTGRESQL = """
CREATE FUNCTION audit_entry_is_final() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an audit entry is never changed'; END $$;
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE ON audit_auditentry
FOR EACH ROW EXECUTE FUNCTION audit_entry_is_final();
"""


def forwards(apps, schema_editor):
    statement = POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE
    schema_editor.execute(statement)


def backwards(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER audit_entry_is_final ON audit_auditentry")
        schema_editor.execute("DROP FUNCTION audit_entry_is_final()")
    else:
        schema_editor.execute("DROP TRIGGER audit_entry_is_final")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
