package aumos.library.iso_42001_test

import data.aumos.library.iso_42001 as policy
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
	codes([put("", {})]) == {"SCOPE_UNIDENTIFIED", "NO_OWNER", "EVIDENCE"}
	count(messages("EVIDENCE", [put("", {})])) == 59
}

# As many controls as Annex A has.
test_counts if {
	count(policy.controls) == 38
	count(policy.clauses) == 22
}

test_each_number if {
	claims := {number: true | some number, _ in example.input.evidence}
	flawed := messages("EVIDENCE", [put("/evidence", claims)])
	count(flawed) == count(claims)
	missing := messages("EVIDENCE", [put("/evidence", {})])
	every number, _ in claims {
		some flaw in flawed
		contains(flaw, sprintf("input.evidence.%s: no id", [number]))
		some message in missing
		endswith(message, sprintf("input.evidence.%s is missing", [number]))
	}
}

# Only the parameters leave a control out, and never a clause.
test_exclusions if {
	codes([put("/exclusions", ["A.10.4"]), cut("/evidence/A.10.4")]) == {"EVIDENCE"}
	codes([]) == {"EVIDENCE"} with data.aumos.library.params.exclusions as []
	codes([cut("/evidence/9.2")]) == {"EVIDENCE"} with data.aumos.library.params.exclusions as [{"control": "A.10.3"}, {"control": "9.2"}]
}

test_scope if {
	codes([put("/scope/sha256", true)]) == {"SCOPE_UNIDENTIFIED", "EVIDENCE"}
	codes([cut("/scope/owner")]) == {"NO_OWNER"}
}

test_audit if {
	codes([put("/evidence/9.2/recorded_by", "OLGA")]) == {"AUDITED_BY_OWNER"}
	codes([put("/evidence/9.3/recorded_at", "2026-01-01T00:00:00Z")]) == {"REVIEWED_BEFORE_AUDITED"}
}

test_age if {
	messages("EVIDENCE", [put("/evidence/8.4/recorded_at", "2025-05-01T00:00:00Z")]) == {
		"impact assessments as planned: input.evidence.8.4: recorded_at is more than 365 days ago",
	}
}
