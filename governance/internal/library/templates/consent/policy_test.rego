package aumos.library.consent_test

import data.aumos.library.consent as policy
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
		"DATA_SUBJECT_UNIDENTIFIED", "PURPOSE_NOT_ALLOWED", "PURPOSE_NOT_CONSENTED", "CATEGORY_NOT_ALLOWED", "NOTICE_UNKNOWN", "CONSENT_EVIDENCE",
		"CONSENT_WITHDRAWN", "STATUS_EVIDENCE", "STATUS_BEFORE_CONSENT",
	}
}

test_claims_are_no_evidence if {
	codes([put("/consent/evidence", {"given": true})]) == {"CONSENT_EVIDENCE", "STATUS_BEFORE_CONSENT"}
	codes([put("/status", {"state": "GIVEN"})]) == {"STATUS_EVIDENCE", "STATUS_BEFORE_CONSENT"}
}

test_another_person if {
	codes([put("/data_subject/sha256", "1111111111111111111111111111111111111111111111111111111111111111")]) == {"CONSENT_EVIDENCE", "STATUS_EVIDENCE"}
}

test_purposes if {
	codes([put("/purpose", "advertising")]) == {"PURPOSE_NOT_ALLOWED", "PURPOSE_NOT_CONSENTED"}
	codes([put("/consent/purposes", ["advertising"])]) == {"PURPOSE_NOT_CONSENTED"}
	codes([put("/consent/purposes", "recommendation")]) == {"PURPOSE_NOT_CONSENTED"}
}

test_categories if {
	codes([put("/categories", [])]) == {"CATEGORY_NOT_ALLOWED"}
	codes([put("/categories", ["Health"])]) == {"CATEGORY_NOT_ALLOWED"}
	codes([put("/categories", numbers.range(1, 51))]) == {"CATEGORY_NOT_ALLOWED"}
	codes([cut("/consent/explicit")]) == {"CONSENT_NOT_EXPLICIT"}
	codes([put("/consent/explicit", "true")]) == {"CONSENT_NOT_EXPLICIT"}
	codes([cut("/consent/explicit"), put("/categories", ["orders"])]) == set()
	codes([put("/categories", ["health", "unheard of"])]) == {"CATEGORY_NOT_ALLOWED"}
}

test_notice if {
	codes([put("/consent/notice_sha256", "1111111111111111111111111111111111111111111111111111111111111111")]) == {"NOTICE_UNKNOWN"}
}

test_withdrawn if {
	codes([put("/status/state", "WITHDRAWN")]) == {"CONSENT_WITHDRAWN"}
	codes([put("/status/state", true)]) == {"CONSENT_WITHDRAWN"}
}

test_ages if {
	messages("STATUS_EVIDENCE", [put("/status/evidence/recorded_at", "2026-05-31T11:59:59Z")]) == {
		"input.status.evidence: recorded_at is more than 1 days ago",
	}
	codes([put("/consent/evidence/recorded_at", "2024-01-01T00:00:00Z")]) == {"CONSENT_EVIDENCE"}
	codes([put("/consent/evidence/recorded_at", "2026-06-01T11:45:00Z")]) == {"STATUS_BEFORE_CONSENT"}
}
