package aumos.library.nist_ai_rmf_test

import data.aumos.library.nist_ai_rmf as policy
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
	codes([put("", {})]) == {"SYSTEM_UNIDENTIFIED", "ORGANISATION_UNIDENTIFIED", "NO_OWNER", "NO_REQUESTER", "EVIDENCE", "NOT_APPROVED"}
	count(messages("EVIDENCE", [put("", {})])) == 19
}

test_each_category if {
	claims := {category: true | some category, _ in example.input.evidence}
	flawed := messages("EVIDENCE", [put("/evidence", claims)])
	count(flawed) == count(claims)
	missing := messages("EVIDENCE", [put("/evidence", {})])
	every category, _ in claims {
		some flaw in flawed
		contains(flaw, sprintf("input.evidence.%s: no id", [category]))
		some message in missing
		endswith(message, sprintf("input.evidence.%s is missing", [category]))
	}
}

test_categories_of_the_parameters if {
	codes([put("/evidence", {})]) == {"EVIDENCE"}
	count(messages("EVIDENCE", [put("/evidence", {})])) == 1 with data.aumos.library.params.categories as ["MAP-1"]
}

test_subjects if {
	count(messages("EVIDENCE", [put("/system/sha256", "1111111111111111111111111111111111111111111111111111111111111111")])) == 13
	count(messages("EVIDENCE", [put("/organisation/sha256", "1111111111111111111111111111111111111111111111111111111111111111")])) == 6
}

test_ages if {
	messages("EVIDENCE", [put("/evidence/MEASURE-2/recorded_at", "2026-03-01T09:00:00Z")]) == {
		"evaluation of trustworthiness: input.evidence.MEASURE-2: recorded_at is more than 90 days ago",
	}
	codes([put("/evidence/MAP-1/recorded_at", "2026-03-01T09:00:00Z")]) == set()
}

test_independence if {
	codes([put("/evidence/MEASURE-1/recorded_by", "Operations")]) == {"MEASURED_BY_OWNER"}
	codes([put("/evidence/MAP-1/recorded_by", "operations")]) == set()
}

test_approval if {
	codes([put("/approvals", true)]) == {"NOT_APPROVED"}
	codes([put("/requester", "carla")]) == {"NOT_APPROVED"}
	codes([put("/approvals/0/recorded_at", "2026-05-19T08:59:59Z")]) == {"NOT_APPROVED"}
	codes([]) == {"NOT_APPROVED"} with data.aumos.library.params.approvals as 2
}
