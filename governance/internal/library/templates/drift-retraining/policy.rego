# Whether a model may be retrained because its data has drifted, for the decision point drift.retrain.
#
# input.detection is a detection of the drift service, as `aumosctl drift detect -o json` prints it; its entry on the Audit Wall is the evidence. The
# data to train on has been checked by somebody, and a shift so large that it looks like an accident or an attack is approved by a person first.
package aumos.library.drift_retraining

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

detection(name) := evidence.at(["detection", name])

data_digest := evidence.at(["training_data", "sha256"])

# The SHA-256s of a detection are bytes, which JSON holds in base64.
bytes_digest(value) if {
	is_string(value)
	count(value) == 44
	regex.match(`^[A-Za-z0-9+/]+=$`, value)
	value != "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
}

violations contains {
	"code": "NO_DRIFT",
	"message": "input.detection.status is not DRIFT_STATUS_DRIFT",
	"severity": "high",
	"control": "NIST-AI-RMF:MEASURE-2.4",
} if {
	not detection("status") in {"DRIFT_STATUS_DRIFT", "DRIFT"}
}

violations contains {
	"code": "NO_EVIDENCE",
	"message": sprintf("the detection is not proven by an entry on the Audit Wall: %s missing or malformed", [concat(", ", unproven)]),
	"severity": "critical",
	"control": "EU-AI-ACT:ART-12",
} if {
	count(unproven) > 0
}

unproven contains "input.detection.id" if not evidence.uuid(detection("id"))

unproven contains "input.detection.document_sha256" if not bytes_digest(detection("document_sha256"))

unproven contains "input.detection.evidence.entry_id" if not evidence.uuid(evidence.at(["detection", "evidence", "entry_id"]))

unproven contains "input.detection.evidence.leaf_hash" if not bytes_digest(evidence.at(["detection", "evidence", "leaf_hash"]))

unproven contains "input.detection.evidence.state (RECORDED)" if {
	not evidence.at(["detection", "evidence", "state"]) in {"EVIDENCE_STATE_RECORDED", "RECORDED"}
}

violations contains {
	"code": "DETECTION_TOO_OLD",
	"message": sprintf("input.detection.create_time is missing, in the future or more than %d hours ago", [params.max_detection_age_hours]),
	"severity": "high",
	"control": "NIST-AI-RMF:MANAGE-4.1",
} if {
	not recent
}

recent if {
	when := evidence.instant(detection("create_time"))
	when <= time.now_ns() + evidence.skew
	when >= time.now_ns() - ((params.max_detection_age_hours * 60) * evidence.minute)
}

# A number of the detection is at least a limit.
at_least(name, limit) if {
	is_number(detection(name))
	detection(name) >= limit
}

violations contains {
	"code": "TOO_FEW_ROWS",
	"message": sprintf("input.detection.row_count is missing or under %d", [params.min_rows]),
	"severity": "medium",
	"control": "NIST-AI-RMF:MEASURE-2.3",
} if {
	not at_least("row_count", params.min_rows)
}

violations contains {
	"code": "SEVERITY_TOO_LOW",
	"message": sprintf("input.detection.severity is missing or under %v", [params.min_severity]),
	"severity": "medium",
	"control": "NIST-AI-RMF:MANAGE-4.1",
} if {
	not at_least("severity", params.min_severity)
}

violations contains {
	"code": "TOO_FEW_DRIFTED_FEATURES",
	"message": sprintf("input.detection.drifted_feature_count is missing or under %d", [params.min_drifted_features]),
	"severity": "medium",
	"control": "NIST-AI-RMF:MEASURE-2.4",
} if {
	not at_least("drifted_feature_count", params.min_drifted_features)
}

violations contains {
	"code": "NO_OWNER",
	"message": "input.model.owner is missing: nobody answers for the model",
	"severity": "high",
	"control": "NIST-AI-RMF:GOVERN-2.1",
} if {
	not evidence.name(evidence.at(["model", "owner"]))
}

violations contains {
	"code": "NO_REQUESTER",
	"message": "input.requester is missing: approvals cannot be told from the request",
	"severity": "high",
	"control": "NIST-AI-RMF:GOVERN-2.1",
} if {
	not evidence.name(evidence.at(["requester"]))
}

violations contains {
	"code": "TRAINING_DATA_UNIDENTIFIED",
	"message": "input.training_data.sha256 is missing or no SHA-256: nobody can tell what the model will learn",
	"severity": "high",
	"control": "EU-AI-ACT:ART-10",
} if {
	not evidence.digest(data_digest)
}

violations contains {
	"code": "TRAINING_DATA_EVIDENCE",
	"message": message,
	"severity": "high",
	"control": "EU-AI-ACT:ART-10",
} if {
	message := evidence.flaw(["training_data", "evidence"], data_digest, params.max_data_check_age_days * 1440)
}

# The severity is below that from which on a person decides.
moderate if {
	is_number(detection("severity"))
	detection("severity") < params.approval_from_severity
}

# People approve after the detection: one that is not dated cannot have been approved.
approvers := evidence.approvers(
	["approvals"], data_digest, params.max_detection_age_hours * 60,
	evidence.instant(detection("create_time")), evidence.at(["requester"]),
)

approved if count(approvers) > 0

violations contains {
	"code": "APPROVAL_MISSING",
	"message": sprintf("input.approvals: from severity %v on, a person other than the requester approves the training data after the detection", [
		params.approval_from_severity,
	]),
	"severity": "high",
	"control": "EU-AI-ACT:ART-14",
} if {
	not moderate
	not approved
}
