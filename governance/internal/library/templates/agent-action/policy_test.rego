package aumos.library.agent_action_test

import data.aumos.library.agent_action as policy
import data.example

# The codes of the violations once the example's input is changed.
codes(changes) := found if {
	now := time.parse_rfc3339_ns(example.now)
	found := {violation.code | some violation in policy.violations} with input as json.patch(example.input, changes) with time.now_ns as now
}

# What the violations of a code say once the example's input is changed.
messages(code, changes) := found if {
	now := time.parse_rfc3339_ns(example.now)
	found := {violation.message |
		some violation in policy.violations
		violation.code == code
	} with input as json.patch(example.input, changes) with time.now_ns as now
}

put(path, value) := {"op": "add", "path": path, "value": value}

cut(path) := {"op": "remove", "path": path}

test_example_is_allowed if {
	now := time.parse_rfc3339_ns(example.now)
	policy.allow with input as example.input with time.now_ns as now
	codes([]) == set()
}

test_nothing_is_denied if {
	not policy.allow with input as {}
	not policy.allow with input as null
	not policy.allow
}

test_violations_are_complete if {
	every violation in policy.violations {
		object.keys(violation) == {"code", "message", "severity", "control"}
		violation.severity in {"critical", "high", "medium", "low"}
	}
}

test_empty_input if {
	codes([put("", {})]) == {
		"AGENT_UNIDENTIFIED", "AGENT_NOT_REGISTERED", "DELEGATED_TOO_DEEP", "TOOL_NOT_ALLOWED", "DATA_CLASS_NOT_ALLOWED", "AMOUNT_TOO_LARGE",
		"APPROVAL_MISSING", "APPROVAL_NOT_GIVEN", "APPROVER_NOT_ALLOWED",
	}
	messages("AGENT_UNIDENTIFIED", [put("", {})]) == {sprintf("input.%s is missing or malformed", [field]) |
		some field in ["agent.name", "agent.sha256", "agent.owner", "session.id", "session.started_by", "action.sha256"]
	}
}

test_claims_are_no_evidence if {
	codes([put("/approval", true)]) == {"APPROVAL_MISSING", "APPROVAL_NOT_GIVEN", "APPROVER_NOT_ALLOWED"}
	codes([put("/approval", {"decision": "APPROVED", "recorded_by": "carla"})]) == {"APPROVAL_MISSING"}
	codes([put("/agent/evidence", {"registered": true})]) == {"AGENT_NOT_REGISTERED"}
}

test_another_action if {
	codes([put("/action/sha256", "1111111111111111111111111111111111111111111111111111111111111111")]) == {"APPROVAL_MISSING"}
}

test_another_version if {
	codes([put("/agent/sha256", "1111111111111111111111111111111111111111111111111111111111111111")]) == {"AGENT_NOT_REGISTERED"}
}

test_halted if {
	codes([]) == {"AGENT_HALTED"} with data.aumos.library.params.halted_agents as ["Refunds"]
	codes([put("/agent/name", "other")]) == {"AGENT_HALTED"} with data.aumos.library.params.halted_agents as [example.input.agent.sha256]
	codes([]) == set() with data.aumos.library.params.halted_agents as ["another"]
}

read := [put("/action/tool", "orders.read"), cut("/approval")]

test_alone if {
	codes(array.concat(read, [put("/action/amount", 0)])) == set()
	codes(read) == {"APPROVAL_MISSING", "APPROVAL_NOT_GIVEN", "APPROVER_NOT_ALLOWED"}
	codes(read) == set() with data.aumos.library.params.approval_above_amount as 25
}

test_tools if {
	codes([put("/action/tool", "shell")]) == {"TOOL_NOT_ALLOWED"}
	codes([put("/action/data_class", "secret")]) == {"DATA_CLASS_NOT_ALLOWED"}
}

test_amounts if {
	codes([put("/action/amount", 101)]) == {"AMOUNT_TOO_LARGE"}
	codes([put("/action/amount", -1)]) == {"AMOUNT_TOO_LARGE"}
	codes([put("/action/amount", "0")]) == {"AMOUNT_TOO_LARGE"}
}

test_depth if {
	codes([put("/session/depth", 1)]) == {"DELEGATED_TOO_DEEP"}
	codes([put("/session/depth", -1)]) == {"DELEGATED_TOO_DEEP"}
	codes([put("/session/depth", "0")]) == {"DELEGATED_TOO_DEEP"}
}

test_approvers if {
	codes([put("/approval/decision", "REJECTED")]) == {"APPROVAL_NOT_GIVEN"}
	codes([put("/approval/recorded_by", "mallory")]) == {"APPROVER_NOT_ALLOWED"}
	codes([put("/agent/name", "Carla")]) == {"APPROVER_NOT_ALLOWED"}
	messages("APPROVAL_MISSING", [put("/approval/recorded_at", "2026-06-01T10:59:59Z")]) == {"input.approval: recorded_at is more than 60 minutes ago"}
}
