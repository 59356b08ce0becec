from django.apps import AppConfig


class AutomationPortalConfig(AppConfig):
    name = "automation_portal"
