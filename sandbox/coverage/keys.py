"""The keys of documents and steps, and the tests that show that they are heeded.

https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-actions.html
"""

from sandbox.coverage.rows import absent, done, shown

_API = "automation/test_automation_api.py"
_DOCUMENTS = "automation/test_automation_documents.py"
_ENGINE = "automation/test_automation_engine.py"
_LOOPS = "automation/test_loops.py"
_SCRIPTS = "automation/test_automation_scripts.py"
_SEMANTICS = "automation/test_semantics.py"
_VALUES = "guide/test_guide_values.py"
_TEMPLATES = "It belongs to change templates, which no start takes."
_NOT_STARTED = shown(_API, "a_document_of_another_type_is_no_automation")

KEYS = (
    done("`schemaVersion`", shown(_DOCUMENTS, "another_schema_version_is_refused")),
    done("`description`", shown(_DOCUMENTS, "the_text_comes_back_as_it_was_written")),
    done(
        "`assumeRole`",
        shown(
            _API,
            "a_service_role_launches_what_the_operator_may_not",
            "handing_over_a_role_needs_the_permission_to_pass_it",
            "a_role_must_trust_systems_manager",
        ),
    ),
    done(
        "`parameters`",
        shown(_API, "parameters_must_be_those_of_the_document", "a_default_may_come_from_parameter_store"),
    ),
    done(
        "`variables`",
        shown(
            "automation/test_variables.py",
            "a_variable_takes_values_of_its_type_only",
            "a_default_may_be_a_parameter",
        ),
    ),
    done("`mainSteps`", shown(_ENGINE, "it_runs_steps_in_order_and_ends_in_success")),
    done(
        "`outputs` of the document",
        shown(_ENGINE, "it_passes_outputs_on_and_shows_those_that_the_document_declares"),
    ),
    done("`files`", shown(_SCRIPTS, "attachments_are_fetched_kept_and_run")),
    absent("`emergencyChange`", _TEMPLATES, _NOT_STARTED),
    absent("`autoApprovable`", _TEMPLATES, _NOT_STARTED),
    absent("`templateInformation`", _TEMPLATES, _NOT_STARTED),
    absent("`executableRunBooks`", _TEMPLATES, _NOT_STARTED),
    done("`name`", shown(_ENGINE, "a_step_that_is_entered_again_gets_another_record")),
    done("`action`", shown(_ENGINE, "an_action_that_is_not_built_fails_the_step_and_is_named")),
    done(
        "`inputs`",
        shown("coverage/test_actions.py", "what_an_action_heeds_arrives_or_steers"),
        told="Each input of each action stands below.",
    ),
    done(
        "`onFailure`",
        shown(_ENGINE, "it_goes_on_after_a_failure_as_the_step_says"),
        shown(
            "guide/test_guide_branches.py", "a_failed_step_aborts_the_run", "a_failed_step_leads_to_another"
        ),
    ),
    done(
        "`onCancel`",
        shown(_ENGINE, "cancelling_goes_on_with_the_steps_that_clean_up", "cleaning_up_may_take_two_minutes"),
        shown(_SEMANTICS, "a_cancelled_cleaning_up_that_fails_ends_the_run_as_cancelled"),
    ),
    done(
        "`outputs` of a step",
        shown(_VALUES, "selectors_give_each_type"),
        shown(
            _SEMANTICS,
            "an_output_has_the_type_that_it_is_declared_with",
            "an_output_of_another_type_fails_the_step_after_the_call",
        ),
    ),
    done(
        "`timeoutSeconds`",
        shown(
            _ENGINE,
            "it_waits_no_longer_than_the_timeout",
            "each_attempt_has_the_whole_timeout",
            "a_timeout_may_be_a_parameter",
        ),
        shown(_SEMANTICS, "people_are_waited_for_thirty_days_at_most"),
    ),
    done("`nextStep`", shown(_ENGINE, "it_follows_next_step_and_stops_at_the_end")),
    done(
        "`isEnd`",
        shown(_ENGINE, "it_follows_next_step_and_stops_at_the_end"),
        shown(_LOOPS, "steps_jump_within_a_turn_and_is_end_ends_it"),
    ),
    done(
        "`maxAttempts`",
        shown(_ENGINE, "it_tries_as_often_as_the_step_says_before_it_fails"),
        shown(_SEMANTICS, "attempts_are_a_second_then_two_then_four_apart"),
        told="AWS documents no figures for the time between attempts: 1, 2, 4 … 30 seconds.",
    ),
    done(
        "`isCritical`",
        shown(_ENGINE, "a_timeout_that_is_not_critical_does_not_decide_the_status"),
        shown("guide/test_guide_branches.py", "a_step_that_is_not_critical_does_not_fail_the_run"),
    ),
)
