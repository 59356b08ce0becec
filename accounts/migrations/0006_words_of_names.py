from django.db import migrations

from common import word_indexes


def forwards(apps, schema_editor):
    word_indexes.add(schema_editor, "accounts_delegation", "name")


def backwards(apps, schema_editor):
    word_indexes.remove(schema_editor, "accounts_delegation", "name")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_approvals_needed")]
    operations = [migrations.RunPython(forwards, backwards)]
