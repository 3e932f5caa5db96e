package aumos.library.data_residency_test

import data.aumos.library.data_residency as policy
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
		"DATASET_UNIDENTIFIED", "DESTINATION_UNIDENTIFIED", "REGION_MISSING", "NO_REQUESTER", "DESTINATION_EVIDENCE", "CLASSIFICATION_EVIDENCE",
		"CLASSIFICATION_MISSING", "SPECIAL_CATEGORIES_LEAVE", "SAFEGUARD_MISSING", "SAFEGUARD_EVIDENCE",
	}
}

test_claims_are_no_evidence if {
	codes([put("/destination/evidence", true)]) == {"DESTINATION_EVIDENCE"}
	codes([put("/classification/evidence", true)]) == {"CLASSIFICATION_EVIDENCE"}
	codes([put("/destination/sha256", "1111111111111111111111111111111111111111111111111111111111111111")]) == {"DESTINATION_EVIDENCE"}
	codes([cut("/classification/special_categories")]) == {"CLASSIFICATION_MISSING"}
}

safeguard := {"mechanism": "standard_contractual_clauses", "evidence": example.input.classification.evidence}

abroad(special) := [put("/destination/region", "us-east-1"), put("/classification/special_categories", special), put("/safeguard", safeguard)]

test_abroad if {
	codes([put("/destination/region", "us-east-1")]) == {"SPECIAL_CATEGORIES_LEAVE", "SAFEGUARD_MISSING", "SAFEGUARD_EVIDENCE"}
	codes(abroad(false)) == {"SAFEGUARD_MISSING"}
	codes(abroad(false)) == set() with data.aumos.library.params.safeguards as ["standard_contractual_clauses"]
	codes(abroad(true)) == {"SPECIAL_CATEGORIES_LEAVE"} with data.aumos.library.params.safeguards as ["standard_contractual_clauses"]
	codes(abroad(true)) == set() with data.aumos.library.params.safeguards as ["standard_contractual_clauses"]
		with data.aumos.library.params.special_categories_stay as false
	codes(array.concat(abroad(false), [put("/safeguard/evidence", true)])) == {"SAFEGUARD_EVIDENCE"}
		with data.aumos.library.params.safeguards as ["standard_contractual_clauses"]
}

test_old_evidence if {
	messages("CLASSIFICATION_EVIDENCE", [put("/classification/evidence/recorded_at", "2025-03-01T09:00:00Z")]) == {
		"input.classification.evidence: recorded_at is more than 365 days ago",
	}
}
