# Whether a model may be promoted to production, for the decision point model.promote.
#
# The tier of risk, the explanations, the bias and the approvals each rest on evidence about the very model that is promoted, by its digest. People approve
# after they could have seen the evidence, and not their own request.
package aumos.library.model_promotion

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

model := evidence.at(["model", "sha256"])

tier := evidence.at(["risk", "tier"])

max_age := params.max_evidence_age_days * 1440

violations contains {
	"code": "MODEL_UNIDENTIFIED",
	"message": "input.model.sha256 is missing or no SHA-256: nobody can tell which model is meant",
	"severity": "critical",
	"control": "NIST-AI-RMF:GOVERN-1.6",
} if {
	not evidence.digest(model)
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
	"code": "RISK_TIER_NOT_ALLOWED",
	"message": sprintf("input.risk.tier is missing or not one of %s", [concat(", ", params.risk_tiers)]),
	"severity": "critical",
	"control": "NIST-AI-RMF:MAP-5.1",
} if {
	not tier in params.risk_tiers
}

# Each body of evidence that the promotion rests on.
required contains {"path": ["risk", "evidence"], "code": "RISK_EVIDENCE", "control": "EU-AI-ACT:ART-9"}

required contains {"path": ["bias", "evidence"], "code": "BIAS_EVIDENCE", "control": "NIST-AI-RMF:MEASURE-2.11"}

required contains {"path": ["explainability", "evidence"], "code": "EXPLAINABILITY_EVIDENCE", "control": "NIST-AI-RMF:MEASURE-2.9"} if {
	not tier in params.tiers_without_explanation
}

violations contains {
	"code": need.code,
	"message": message,
	"severity": "high",
	"control": need.control,
} if {
	some need in required
	message := evidence.flaw(need.path, model, max_age)
}

violations contains {
	"code": "BIAS_METRIC_UNKNOWN",
	"message": sprintf("input.bias.metric is missing or not one of %s", [concat(", ", params.bias_metrics)]),
	"severity": "high",
	"control": "NIST-AI-RMF:MEASURE-2.11",
} if {
	not evidence.at(["bias", "metric"]) in params.bias_metrics
}

violations contains {
	"code": "BIAS_TOO_LARGE",
	"message": sprintf("input.bias.value is missing or not from 0 to %v", [params.max_disparity]),
	"severity": "high",
	"control": "EU-AI-ACT:ART-10",
} if {
	not fair
}

fair if {
	value := evidence.at(["bias", "value"])
	is_number(value)
	value >= 0
	value <= params.max_disparity
}

violations contains {
	"code": "BIAS_TOO_FEW_ROWS",
	"message": sprintf("input.bias.smallest_group_rows is missing or under %d", [params.min_group_rows]),
	"severity": "medium",
	"control": "EU-AI-ACT:ART-10",
} if {
	not enough_rows
}

enough_rows if {
	rows := evidence.at(["bias", "smallest_group_rows"])
	is_number(rows)
	rows >= params.min_group_rows
}

# When the last of the evidence was recorded: approvals from before it approved something else.
complete := max({0} | {when |
	some need in required
	when := evidence.instant(evidence.at(array.concat(need.path, ["recorded_at"])))
})

approvers := evidence.approvers(["approvals"], model, params.max_approval_age_days * 1440, complete, evidence.at(["requester"]))

approvals_needed := params.approvals[tier] if {
	tier in params.risk_tiers
} else := 1

violations contains {
	"code": "APPROVALS_MISSING",
	"message": sprintf("input.approvals: %d of %d needed, each APPROVED by another person than the requester, after the evidence, about this model", [
		count(approvers),
		approvals_needed,
	]),
	"severity": "high",
	"control": "EU-AI-ACT:ART-14",
} if {
	count(approvers) < approvals_needed
}
