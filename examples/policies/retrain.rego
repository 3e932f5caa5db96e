# Whether a model may be retrained because its data has drifted, for the decision point drift.retrain.
#
# The input is a detection of the drift service, as `aumosctl drift detect -o json` prints it, and may name the model:
#
#	{"detection": {"status": "DRIFT_STATUS_DRIFT", "severity": 0.8, "drifted_feature_count": 3, "feature_count": 8, "row_count": 5000,
#	               "evidence": {"state": "EVIDENCE_STATE_RECORDED"}},
#	 "model": {"name": "delays", "owner": "operations"}}
#
# What is missing counts against retraining. Every reason is reported, with the control that asks for it.
package aumos.retrain

# The fewest rows of current data that a retraining may rest on.
min_rows := 1000

# The least severity, 0 to 1; one half is where the effect starts to matter.
min_severity := 0.5

default allow := false

allow if count(violations) == 0

status := trim_prefix(object.get(input, ["detection", "status"], ""), "DRIFT_STATUS_")

evidence := trim_prefix(object.get(input, ["detection", "evidence", "state"], ""), "EVIDENCE_STATE_")

number(name) := n if {
	n := input.detection[name]
	is_number(n)
} else := 0

violations contains {
	"code": "NO_DRIFT",
	"message": sprintf("the detection's verdict is %q, not DRIFT", [status]),
	"severity": "high",
	"control": "NIST-AI-RMF:MEASURE-2.4",
} if {
	status != "DRIFT"
}

violations contains {
	"code": "NO_EVIDENCE",
	"message": "the detection is not recorded on the Audit Wall",
	"severity": "high",
	"control": "EU-AI-ACT:ART-12",
} if {
	evidence != "RECORDED"
}

violations contains {
	"code": "TOO_FEW_ROWS",
	"message": sprintf("%v rows of current data, at least %d are needed", [number("row_count"), min_rows]),
	"severity": "medium",
	"control": "NIST-AI-RMF:MEASURE-2.3",
} if {
	number("row_count") < min_rows
}

violations contains {
	"code": "SEVERITY_TOO_LOW",
	"message": sprintf("severity %v, at least %v is needed", [number("severity"), min_severity]),
	"severity": "medium",
	"control": "NIST-AI-RMF:MANAGE-4.1",
} if {
	number("severity") < min_severity
}

violations contains {
	"code": "NO_DRIFTED_FEATURE",
	"message": sprintf("none of %v features has drifted", [number("feature_count")]),
	"severity": "medium",
	"control": "NIST-AI-RMF:MEASURE-2.4",
} if {
	number("drifted_feature_count") < 1
}

violations contains {
	"code": "NO_OWNER",
	"message": "nobody answers for the model",
	"severity": "medium",
	"control": "NIST-AI-RMF:GOVERN-2.1",
} if {
	is_object(input.model)
	object.get(input.model, "owner", "") == ""
}
