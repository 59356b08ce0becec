from django.apps import AppConfig


class AwsConfig(AppConfig):
    name = "aws"
