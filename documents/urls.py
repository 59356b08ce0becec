"""Addresses of the authors' area, and of policies."""

from django.urls import path

from documents import policy_views, views

app_name = "documents"

urlpatterns = [
    path("documents/", views.document_list, name="list"),
    path("documents/new/", views.new, name="new"),
    path("documents/check/", views.check, name="check"),
    path("documents/completions/", views.completions, name="completions"),
    path("documents/<int:document_id>/", views.detail, name="detail"),
    path("documents/<int:document_id>/edit/", views.edit, name="edit"),
    path("documents/<int:document_id>/versions/<int:number>/", views.version, name="version"),
    path("documents/<int:document_id>/versions/<int:number>/diff/", views.diff, name="diff"),
    path("documents/<int:document_id>/publish/", views.publish, name="publish"),
    path("publications/<int:publication_id>/", views.publication, name="publication"),
    path("policies/", policy_views.policies, name="policies"),
    path("policies/new/", policy_views.new, name="policy-new"),
    path("policies/<int:policy_id>/", policy_views.policy, name="policy"),
]
