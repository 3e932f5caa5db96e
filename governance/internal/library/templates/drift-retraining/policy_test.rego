package aumos.library.drift_retraining_test

import data.aumos.library.drift_retraining as policy
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
		"NO_DRIFT", "NO_EVIDENCE", "DETECTION_TOO_OLD", "TOO_FEW_ROWS", "SEVERITY_TOO_LOW", "TOO_FEW_DRIFTED_FEATURES", "NO_OWNER", "NO_REQUESTER",
		"TRAINING_DATA_UNIDENTIFIED", "TRAINING_DATA_EVIDENCE", "APPROVAL_MISSING",
	}
}

test_verdicts if {
	codes([put("/detection/status", "DRIFT")]) == set()
	every status in ["DRIFT_STATUS_OK", "DRIFT_STATUS_WARNING", "DRIFT_STATUS_ERROR", "DRIFT_STATUS_INSUFFICIENT_DATA", "", true] {
		codes([put("/detection/status", status)]) == {"NO_DRIFT"}
	}
}

test_proof if {
	every path in ["/detection/id", "/detection/document_sha256", "/detection/evidence", "/detection/evidence/entry_id", "/detection/evidence/leaf_hash", "/detection/evidence/state"] {
		codes([cut(path)]) == {"NO_EVIDENCE"}
	}
	codes([put("/detection/evidence/state", "RECORDED")]) == set()
	codes([put("/detection/evidence/state", "EVIDENCE_STATE_PENDING")]) == {"NO_EVIDENCE"}
	codes([put("/detection/evidence/leaf_hash", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]) == {"NO_EVIDENCE"}
	codes([put("/detection/evidence", {"recorded": true})]) == {"NO_EVIDENCE"}
}

test_age if {
	codes([put("/detection/create_time", "2026-05-29T11:59:59Z")]) == {"DETECTION_TOO_OLD"}
	codes([put("/detection/create_time", "2026-06-01T12:01:01Z")]) == {"DETECTION_TOO_OLD"}
	codes([put("/detection/create_time", "today")]) == {"DETECTION_TOO_OLD"}
}

test_numbers if {
	codes([put("/detection/row_count", 999)]) == {"TOO_FEW_ROWS"}
	codes([put("/detection/row_count", "5000")]) == {"TOO_FEW_ROWS"}
	codes([put("/detection/severity", 0.49)]) == {"SEVERITY_TOO_LOW"}
	codes([put("/detection/drifted_feature_count", 0)]) == {"TOO_FEW_DRIFTED_FEATURES"}
}

test_training_data if {
	codes([put("/training_data/evidence", true)]) == {"TRAINING_DATA_EVIDENCE"}
	codes([put("/training_data/evidence/recorded_at", "2026-05-01T00:00:00Z")]) == {"TRAINING_DATA_EVIDENCE"}
	codes([cut("/training_data/sha256")]) == {"TRAINING_DATA_EVIDENCE", "TRAINING_DATA_UNIDENTIFIED"}
}

approval := object.union(example.input.training_data.evidence, {"decision": "APPROVED", "recorded_by": "carla"})

test_extreme_shift if {
	codes([put("/detection/severity", 0.95)]) == {"APPROVAL_MISSING"}
	codes([put("/detection/severity", 0.95), put("/approvals", true)]) == {"APPROVAL_MISSING"}
	codes([put("/detection/severity", 0.95), put("/approvals", [approval])]) == set()
	codes([put("/detection/severity", 0.95), put("/approvals", [object.union(approval, {"recorded_by": "pipeline"})])]) == {"APPROVAL_MISSING"}
	codes([put("/detection/severity", 0.95), put("/approvals", [object.union(approval, {"recorded_at": "2026-06-01T05:59:59Z"})])]) == {"APPROVAL_MISSING"}
}

test_nobody if {
	codes([cut("/requester")]) == {"NO_REQUESTER"}
	codes([cut("/model/owner")]) == {"NO_OWNER"}
}
