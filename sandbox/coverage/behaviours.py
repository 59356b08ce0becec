"""What runs and the API do, and the tests that show it.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
"""

from collections.abc import Mapping

from sandbox.coverage.rows import absent, differs, done, shown

_ENGINE = "automation/test_automation_engine.py"
_SEMANTICS = "automation/test_semantics.py"
_API = "automation/test_automation_api.py"
_LOOPS = "automation/test_loops.py"
_VALUES = "guide/test_guide_values.py"
_TARGETS = "automation/test_automation_targets.py"
_LOCATIONS = "automation/test_automation_locations.py"
_LIMITS = "automation/test_automation_limits.py"
_INTERACTIVE = "automation/test_interactive.py"
_ACTIONS = "automation/test_automation_actions.py"
_CHILDREN = "automation/test_child_runs.py"
_SCRIPTS = "automation/test_automation_scripts.py"
_POWERSHELL = "automation/test_powershell_scripts.py"
_DOCUMENTS = "automation/test_automation_documents.py"
_SHARING = "automation/test_automation_sharing.py"
_ABSENT = shown("coverage/test_api.py", "an_operation_that_is_not_there_says_so")

_NO_CHANGE_MANAGER = "Change Manager takes no new customers: the operation answers as AWS does to all others."
_NO_REVIEWS = "It answers NotImplemented: reviews of documents belong to Change Manager."
ABSENT_OPERATIONS: Mapping[str, str] = {
    "ListDocumentMetadataHistory": _NO_REVIEWS,
    "StartChangeRequestExecution": _NO_CHANGE_MANAGER,
    "UpdateDocumentMetadata": _NO_REVIEWS,
}


RUNS = (
    done(
        "References stand for whole values, in any place",
        shown(_SEMANTICS, "a_reference_stands_for_a_whole_list_map_number_or_truth"),
        shown(_ENGINE, "a_reference_to_a_step_that_has_not_run_fails_the_step"),
    ),
    done(
        "`global:`, `automation:` and `ssm:`",
        shown(_ENGINE, "system_variables_have_values"),
        shown(_VALUES, "parameters_of_parameter_store_and_system_variables_are_put_in"),
    ),
    done(
        "What the guide calls unsupported is refused",
        shown(_VALUES, "what_the_guide_calls_unsupported_is_refused"),
    ),
    done(
        "Selectors, in every form of the guide and of the published documents",
        shown(_VALUES, "selectors_give_each_type"),
        shown("trial/test_generation.py", "every_form_of_selector_finds_what_was_planted"),
    ),
    done(
        "Conditions of `aws:branch`: each operator, And, Or, Not",
        shown(
            "guide/test_guide_branches.py",
            "each_operator",
            "and_wants_all_of_its_variables",
            "or_wants_one_of_its_variables",
            "not_wants_its_variable_to_differ",
        ),
    ),
    done(
        "Loops over items, and while a condition holds",
        shown(
            _LOOPS,
            "it_runs_its_steps_once_for_each_item_and_lists_them_behind_the_loop",
            "it_repeats_while_the_condition_holds_which_it_asks_after_each_turn",
            "it_repeats_a_hundred_times_at_most",
        ),
    ),
    done(
        "Ways out of a loop",
        shown(
            _LOOPS,
            "a_step_may_lead_out_of_the_loop",
            "a_failure_may_lead_on_within_the_turn_and_out_of_the_loop",
            "a_loop_inside_a_loop_fails",
        ),
        told="AWS documents nothing: a loop that is left is a Success, or Failed when a failure led out.",
    ),
    done(
        "Variables: types, sizes, keys of maps",
        shown(
            "automation/test_variables.py",
            "a_variable_holds_no_more_than_the_guide_says",
            "references_find_the_present_value_and_keys_of_a_map",
        ),
    ),
    done(
        "Approvals: principals, counts, rejection, timeout",
        shown(
            _ACTIONS,
            "approve_waits_until_enough_have_approved",
            "one_rejection_ends_it",
            "approve_times_out_after_seven_days",
        ),
        shown("guide/test_guide_actions.py", "approve_counts_users_by_name_and_arn_and_roles"),
        shown(_API, "only_the_approvers_decide_and_each_only_once"),
    ),
    done("Pause and Resume", shown(_API, "a_paused_execution_resumes_by_the_name_of_its_step")),
    done(
        "Interactive mode: StartStep, StopStep, and the end by Complete",
        shown(
            _INTERACTIVE,
            "it_waits_before_between_and_after_the_steps_until_it_is_completed",
            "after_a_branch_each_way_can_be_taken",
            "a_step_can_be_stopped_and_started_again",
        ),
    ),
    done(
        "Stop with Cancel and with Complete",
        shown(
            _SEMANTICS,
            "cancelling_ends_every_kind_of_step_at_once_and_cleans_up",
            "completing_waits_for_the_step_but_not_for_people",
        ),
    ),
    done(
        "Throttled calls are tried again, as the account's setting says",
        shown(
            _SEMANTICS,
            "a_throttled_call_is_tried_again_within_the_accounts_limit",
            "after_the_limit_come_the_attempts_of_the_step",
            "the_limit_is_a_setting_of_the_account_and_region",
        ),
        told="Not those of scripts, as in AWS.",
    ),
    done(
        "Children, five levels deep",
        shown(
            _CHILDREN,
            "a_child_runs_with_its_parameters_and_its_outputs_come_back",
            "children_go_five_levels_deep",
            "cancelling_the_parent_cancels_its_children",
            "a_step_that_times_out_stops_its_child",
        ),
        told="Children run besides the quota, since their parents fill it.",
    ),
    done(
        "On targets: ramp, MaxConcurrency, MaxErrors",
        shown(
            _TARGETS,
            "the_first_runs_alone_and_each_that_ends_lets_two_more_in",
            "percentages_are_of_all_targets",
            "no_more_begin_after_too_many_have_failed",
        ),
        told="Errors are 0 unless given; targets that did not begin are Cancelled.",
    ),
    differs(
        "Targets by tag, value, resource group, and all instances",
        "Resource groups are those that select by tags.",
        shown(
            _TARGETS,
            "tags_stand_for_the_resources_of_the_documents_type",
            "groups_and_all_instances_stand_for_what_is_in_them",
        ),
    ),
    done(
        "In other accounts, units and Regions",
        shown(
            _LOCATIONS,
            "it_runs_in_every_account_and_region_as_the_execution_role_there",
            "organizational_units_stand_for_their_accounts",
            "where_it_may_not_enter_the_place_fails_and_the_rest_is_left_out",
        ),
    ),
    done(
        "12 hours in the caller's own context",
        shown(_ENGINE, "a_run_in_the_callers_context_ends_after_twelve_hours"),
    ),
    done(
        "A long list of steps is cut",
        shown(_SEMANTICS, "get_automation_execution_shows_a_hundred_steps_and_says_that_there_are_more"),
    ),
    done(
        "Failures are worded and detailed",
        shown(_ENGINE, "a_failing_step_ends_the_run_with_the_words_of_aws"),
        shown(_SEMANTICS, "what_a_failed_step_answered_is_kept"),
    ),
    differs(
        "Alarms stop runs",
        "CloudWatch measures nothing here: an alarm goes off by SetAlarmState.",
        shown(
            "automation/test_automation_alarms.py",
            "an_alarm_that_goes_off_cancels_the_run_with_its_on_cancel_steps",
            "a_run_is_cancelled_that_starts_under_an_alarm_or_one_that_is_not_there",
        ),
    ),
    differs(
        "Scripts in Python, with attachments, as the service role",
        "Every Python is the one that runs the sandbox.",
        shown(
            _SCRIPTS,
            "a_script_gets_its_payload_and_gives_outputs",
            "an_exception_fails_the_step_in_aws_s_words",
            "a_script_calls_aws_as_the_service_role",
        ),
    ),
    differs(
        "Scripts in PowerShell, with attachments, as the service role",
        "They run where the sandbox finds a pwsh; where it finds none the step fails and says so. Sleeps "
        "really pass; modules cannot be installed. Tested with a stand-in: PowerShell itself has run none.",
        shown(
            _POWERSHELL,
            "the_payload_is_in_the_environment_and_the_answer_is_the_payload",
            "an_error_fails_the_step_with_its_message",
            "it_has_the_role_s_session_and_no_other_secret",
            "an_attachment_is_unpacked_and_its_main_script_runs",
        ),
        shown(_SCRIPTS, "what_cannot_be_done_says_so"),
    ),
)

API = (
    done(
        "One execution for each client token",
        shown(_API, "the_same_token_and_request_give_the_same_execution"),
    ),
    done(
        "Filters and pages",
        shown(
            _API,
            "every_filter_selects",
            "filters_that_cannot_be_are_refused",
            "pages_hold_every_execution_once_while_new_ones_arrive",
        ),
    ),
    done("Tags of executions", shown(_API, "tags_given_at_the_start_can_be_read_and_changed")),
    done(
        "Quotas and queueing",
        shown(_LIMITS, "a_thousand_starts_under_the_quota_all_end_in_their_order"),
        shown(_TARGETS, "quotas_can_be_set_lower_and_executions_on_targets_have_their_own"),
    ),
    done(
        "Rates of calls",
        shown(_LIMITS, "calls_beyond_the_rate_are_throttled_when_that_is_asked_for"),
        told="Off unless asked for; AWS tells no size of the burst, here it is two seconds' worth.",
    ),
    done(
        "Requests are held against the model, and refused in AWS's words",
        shown(_API, "a_request_that_breaks_the_model_is_refused_in_the_words_of_aws"),
    ),
    differs(
        "Answers have the members, types and errors of the model",
        "Members of Change Manager, OpsCenter, State Manager and access requests are never given.",
        shown(
            "automation/test_automation_conformance.py",
            "every_operation_answers_with_every_member_that_it_can",
        ),
    ),
    done(
        "Documents: versions, hashes, judgement",
        shown(
            _DOCUMENTS,
            "versions_are_numbered_and_the_default_moves_when_told",
            "a_created_document_is_described_with_its_hash_and_parameters",
            "a_text_with_faults_is_refused_with_their_place",
        ),
    ),
    done(
        "Sharing across accounts",
        shown(
            _SHARING,
            "a_shared_document_runs_in_the_other_account_and_stays_its_owners",
            "only_the_shared_versions_can_be_seen",
        ),
    ),
    done(
        "Execution previews",
        shown(
            "automation/test_automation_previews.py",
            "steps_are_counted_by_what_they_change",
            "targets_and_places_are_counted",
        ),
    ),
    done(
        "Change calendars",
        shown(
            "automation/test_automation_calendars.py",
            "a_calendar_is_a_document_that_tells_its_state",
            "events_recur_by_the_clock_on_the_wall",
        ),
    ),
    done(
        "Runs, documents and commands outlive a restart",
        shown("automation/test_automation_restart.py", "what_ran_ended_or_waited_is_there_after_a_restart"),
        told="A step whose change was under way fails, and says that its effect is unknown.",
    ),
    absent("Change requests and reviews of documents", "The operations say so.", _ABSENT),
    absent(
        "Just-in-time access: access requests, the signal Revoke",
        "The signal is refused and says why.",
        shown(_API, "signals_of_other_kinds_of_executions_are_refused"),
    ),
    absent(
        "Documents that AWS owns",
        "Create the document under a name of your own.",
        shown(_API, "an_unknown_document_or_version_is_refused"),
    ),
)
