"""Addresses of aws."""

from django.urls import path

from aws import identity_views, views

app_name = "aws"

urlpatterns = [
    path("targets/", views.target_list, name="targets"),
    path("targets/new/", views.target_new, name="target-new"),
    path("targets/<int:target_id>/", views.target_detail, name="target"),
    path("targets/<int:target_id>/edit/", views.target_edit, name="target-edit"),
    path("targets/<int:target_id>/check/", views.target_check, name="target-check"),
    path("targets/<int:target_id>/enable/", views.target_enable, name="target-enable"),
    path("targets/<int:target_id>/identities/", views.target_assign, name="target-assign"),
    path("roles/", views.role_list, name="roles"),
    path("roles/new/", views.role_new, name="role-new"),
    path("roles/<int:role_id>/", views.role_detail, name="role"),
    path("roles/<int:role_id>/edit/", views.role_edit, name="role-edit"),
    path("roles/<int:role_id>/grant/", views.role_grant, name="role-grant"),
    path("roles/<int:role_id>/revoke/", views.role_revoke, name="role-revoke"),
    path("me/aws/", identity_views.identity, name="identity"),
    path("me/aws/<int:target_id>/", identity_views.identity_edit, name="identity-edit"),
    path("me/aws/identities/<int:identity_id>/", identity_views.identity_status, name="identity-status"),
    path("me/aws/identities/<int:identity_id>/check/", identity_views.identity_check, name="identity-check"),
    path(
        "me/aws/identities/<int:identity_id>/remove/",
        identity_views.identity_remove,
        name="identity-remove",
    ),
]
