"""Addresses of accounts."""

from django.urls import path

from accounts.views import access, delegations, groups, people

app_name = "accounts"

urlpatterns = [
    path("documents/<int:document_id>/access/", access.document_access, name="access"),
    path("documents/<int:document_id>/access/share/", access.document_share, name="access-share"),
    path("documents/<int:document_id>/access/unshare/", access.document_unshare, name="access-unshare"),
    path("delegations/", delegations.delegation_list, name="delegations"),
    path("delegations/new/", delegations.delegation_new, name="delegation-new"),
    path("delegations/<int:delegation_id>/", delegations.delegation_detail, name="delegation"),
    path("delegations/<int:delegation_id>/edit/", delegations.delegation_edit, name="delegation-edit"),
    path("delegations/<int:delegation_id>/enable/", delegations.delegation_enable, name="delegation-enable"),
    path("delegations/<int:delegation_id>/grant/", delegations.delegation_grant, name="delegation-grant"),
    path("delegations/<int:delegation_id>/revoke/", delegations.delegation_revoke, name="delegation-revoke"),
    path("people/", people.people, name="people"),
    path("people/new/", people.person_new, name="person-new"),
    path("people/<int:user_id>/", people.person, name="person"),
    path("people/<int:user_id>/groups/", people.person_groups, name="person-groups"),
    path("people/<int:user_id>/active/", people.person_active, name="person-active"),
    path("people/<int:user_id>/password/", people.person_password, name="person-password"),
    path("groups/", groups.groups, name="groups"),
    path("groups/new/", groups.group_new, name="group-new"),
    path("groups/<int:group_id>/", groups.group, name="group"),
    path("groups/<int:group_id>/add/", groups.group_add, name="group-add"),
    path("groups/<int:group_id>/remove/", groups.group_remove, name="group-remove"),
    path("groups/<int:group_id>/capabilities/", groups.group_capabilities, name="group-capabilities"),
]
