"""Tests that click and type in a real Chromium, against the whole running stack."""
