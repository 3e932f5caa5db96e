package aumos.library.eu_ai_act_high_risk_test

import data.aumos.library.eu_ai_act_high_risk as policy
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
	codes([put("", {})]) == {"SUBJECT_UNIDENTIFIED", "EVIDENCE", "NO_OVERSEER", "LOGS_KEPT_TOO_SHORT", "LOGGING_EVIDENCE"}
	count(messages("EVIDENCE", [put("", {})])) == 18
}

test_each_article if {
	claims := {article: true | some article, _ in example.input.evidence}
	flawed := messages("EVIDENCE", [put("/evidence", claims)])
	count(flawed) == count(claims)
	missing := messages("EVIDENCE", [put("/evidence", {})])
	every article, _ in claims {
		some flaw in flawed
		contains(flaw, sprintf("input.evidence.%s: no id", [article]))
		some message in missing
		endswith(message, sprintf("input.evidence.%s is missing", [article]))
	}
}

# A claim that the system is harmless changes nothing.
test_claimed_tier if {
	codes([put("/system/risk_class", "minimal"), cut("/evidence/ART-9")]) == {"EVIDENCE"}
}

test_roles if {
	count(messages("EVIDENCE", [put("/evidence", {})])) == 5 with data.aumos.library.params.roles as ["deployer"]
	count(messages("EVIDENCE", [put("/evidence", {})])) == 16 with data.aumos.library.params.roles as ["provider"]
	codes([cut("/evidence/ART-27")]) == set() with data.aumos.library.params.fundamental_rights_assessment as false
}

test_subjects if {
	codes([cut("/system/sha256")]) == {"SUBJECT_UNIDENTIFIED", "EVIDENCE", "LOGGING_EVIDENCE"}
	codes([cut("/organisation")]) == {"SUBJECT_UNIDENTIFIED", "EVIDENCE"}
	count(messages("EVIDENCE", [cut("/organisation")])) == 2
}

test_order if {
	codes([put("/evidence/ART-47/recorded_at", "2026-02-13T09:00:00Z")]) == {"DECLARED_BEFORE_ASSESSED"}
	codes([put("/evidence/ART-47/recorded_at", "2026-02-13T09:00:00Z")]) == set() with data.aumos.library.params.roles as ["deployer"]
}

test_oversight if codes([put("/oversight/person", true)]) == {"NO_OVERSEER"}

test_logs if {
	codes([put("/logging/retention_days", 184)]) == set()
	codes([put("/logging/retention_days", 183)]) == {"LOGS_KEPT_TOO_SHORT"}
	codes([put("/logging/retention_days", "for ever")]) == {"LOGS_KEPT_TOO_SHORT"}
	codes([put("/logging/evidence/recorded_at", "2025-05-01T09:00:00Z")]) == {"LOGGING_EVIDENCE"}
}
