from django.db import migrations

from common import word_indexes


def forwards(apps, schema_editor):
    word_indexes.add(schema_editor, "documents_document", "name")


def backwards(apps, schema_editor):
    word_indexes.remove(schema_editor, "documents_document", "name")


class Migration(migrations.Migration):
    dependencies = [("documents", "0002_lists_in_their_order")]
    operations = [migrations.RunPython(forwards, backwards)]
