package aumos.library.model_promotion_test

import data.aumos.library.model_promotion as policy
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
		"MODEL_UNIDENTIFIED", "NO_OWNER", "NO_REQUESTER", "RISK_TIER_NOT_ALLOWED", "RISK_EVIDENCE", "BIAS_EVIDENCE", "EXPLAINABILITY_EVIDENCE",
		"BIAS_METRIC_UNKNOWN", "BIAS_TOO_LARGE", "BIAS_TOO_FEW_ROWS", "APPROVALS_MISSING",
	}
}

test_claims_are_no_evidence if {
	codes([cut("/risk/evidence"), put("/risk/approved", true)]) == {"RISK_EVIDENCE"}
	codes([put("/explainability", {"done": true})]) == {"EXPLAINABILITY_EVIDENCE"}
	codes([put("/bias/evidence", true)]) == {"BIAS_EVIDENCE"}
	codes([put("/approvals", true)]) == {"APPROVALS_MISSING"}
	codes([put("/approvals", [{"decision": "APPROVED", "recorded_by": "carla"}])]) == {"APPROVALS_MISSING"}
}

test_another_model if {
	codes([put("/model/sha256", "1111111111111111111111111111111111111111111111111111111111111111")]) == {
		"RISK_EVIDENCE", "BIAS_EVIDENCE", "EXPLAINABILITY_EVIDENCE", "APPROVALS_MISSING",
	}
}

test_old_evidence if {
	messages("RISK_EVIDENCE", [put("/risk/evidence/recorded_at", "2026-01-01T00:00:00Z")]) == {
		"input.risk.evidence: recorded_at is more than 90 days ago",
	}
}

test_tiers if {
	codes([put("/risk/tier", "high")]) == {"APPROVALS_MISSING"}
	codes([put("/risk/tier", "prohibited")]) == {"RISK_TIER_NOT_ALLOWED"}
	codes([put("/risk/tier", [])]) == {"RISK_TIER_NOT_ALLOWED"}
	codes([put("/risk/tier", "minimal"), cut("/explainability")]) == set()
	codes([put("/risk/tier", "limited")]) == {"RISK_TIER_NOT_ALLOWED"} with data.aumos.library.params.risk_tiers as ["minimal"]
}

test_bias if {
	codes([put("/bias/value", 0.1)]) == set()
	codes([put("/bias/value", 0.11)]) == {"BIAS_TOO_LARGE"}
	codes([put("/bias/value", -1)]) == {"BIAS_TOO_LARGE"}
	codes([put("/bias/value", "0")]) == {"BIAS_TOO_LARGE"}
	codes([put("/bias/smallest_group_rows", 99)]) == {"BIAS_TOO_FEW_ROWS"}
	codes([put("/bias/smallest_group_rows", "many")]) == {"BIAS_TOO_FEW_ROWS"}
	codes([put("/bias/metric", "own")]) == {"BIAS_METRIC_UNKNOWN"}
}

second := object.union(example.input.approvals[0], {"id": "019e0000-0000-7000-8000-000000000099", "recorded_by": "dan"})

test_approvals if {
	codes([put("/risk/tier", "high"), put("/approvals/-", second)]) == set()
	codes([put("/risk/tier", "high"), put("/approvals/-", example.input.approvals[0])]) == {"APPROVALS_MISSING"}
	codes([put("/requester", "Carla")]) == {"APPROVALS_MISSING"}
	codes([put("/approvals/0/decision", "REJECTED")]) == {"APPROVALS_MISSING"}
	codes([put("/approvals/0/recorded_at", "2026-05-22T08:59:59Z")]) == {"APPROVALS_MISSING"}
	codes([put("/approvals/0/recorded_at", "2026-05-17T15:00:00Z")]) == {"APPROVALS_MISSING"}
}

test_nobody if {
	codes([cut("/requester")]) == {"NO_REQUESTER"}
	codes([put("/model/owner", " ")]) == {"NO_OWNER"}
}
