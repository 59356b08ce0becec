"""Addresses of the operators' area."""

from django.urls import path

from executions import maintenance_views, streams, views

app_name = "executions"

urlpatterns = [
    path("run/", views.catalogue, name="catalogue"),
    path("run/<int:delegation_id>/", views.launch, name="launch"),
    path("runs/", views.runs, name="list"),
    path("runs/<uuid:execution_id>/", views.detail, name="detail"),
    path("runs/<uuid:execution_id>/live/", views.live, name="live"),
    path("runs/<uuid:execution_id>/stream/", streams.stream, name="stream"),
    path("runs/<uuid:execution_id>/cancel/", views.cancel, name="cancel"),
    path("runs/<uuid:execution_id>/signal/", views.signal, name="signal"),
    path("runs/<uuid:execution_id>/step/", views.control_step, name="step"),
    path("runs/<uuid:execution_id>/approve/", views.approve_launch, name="approve-launch"),
    path("runs/<uuid:execution_id>/reject/", views.reject_launch, name="reject-launch"),
    path("approvals/", views.approvals, name="approvals"),
    path("maintenance/", maintenance_views.switch, name="maintenance"),
    path("maintenance/resume/", maintenance_views.resume, name="maintenance-resume"),
]
