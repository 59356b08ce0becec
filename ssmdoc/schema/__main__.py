"""Writes the schema of documents, for an editor: ``python -m ssmdoc.schema > automation.schema.json``."""

from __future__ import annotations

import json
import sys

from ssmdoc.schema import document_schema

sys.stdout.write(json.dumps(document_schema(), indent=2) + "\n")
