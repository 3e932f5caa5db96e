# Whether an AI system may be deployed by the NIST AI Risk Management Framework 1.0 (NIST AI 100-1), for the decision point system.deploy.
#
# Each category of the parameters needs evidence: GOVERN about the organisation, the others about this version of the system. Who builds the system does not
# measure it alone (MEASURE 1.3), and a person decides, on all the evidence, that it proceeds (MANAGE 1.1).
package aumos.library.nist_ai_rmf

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

categories := {
	"GOVERN-1": "policies, processes and practices for AI risk",
	"GOVERN-2": "accountability and training",
	"GOVERN-3": "diverse teams and roles of people",
	"GOVERN-4": "a culture that speaks of risk",
	"GOVERN-5": "engagement of those affected",
	"GOVERN-6": "third-party software and data",
	"MAP-1": "context of use",
	"MAP-2": "categorization of the system",
	"MAP-3": "capabilities, benefits and costs",
	"MAP-4": "risks of all components",
	"MAP-5": "impacts on people and society",
	"MEASURE-1": "methods and metrics",
	"MEASURE-2": "evaluation of trustworthiness",
	"MEASURE-3": "tracking of risks over time",
	"MEASURE-4": "feedback on the measurements",
	"MANAGE-1": "priorities and responses",
	"MANAGE-2": "benefits kept, impacts reduced",
	"MANAGE-3": "risks of third parties",
	"MANAGE-4": "treatment, monitoring and communication",
}

system := evidence.at(["system", "sha256"])

organisation := evidence.at(["organisation", "sha256"])

violations contains {
	"code": "SYSTEM_UNIDENTIFIED",
	"message": "input.system.sha256 is missing or no SHA-256: nobody can tell which system is meant",
	"severity": "critical",
	"control": "NIST-AI-RMF:GOVERN-1.6",
} if {
	not evidence.digest(system)
}

violations contains {
	"code": "ORGANISATION_UNIDENTIFIED",
	"message": "input.organisation.sha256 is missing or no SHA-256 of the document that says what the organisation's risk management covers",
	"severity": "high",
	"control": "NIST-AI-RMF:GOVERN-1",
} if {
	not evidence.digest(organisation)
}

violations contains {
	"code": "NO_OWNER",
	"message": "input.system.owner is missing: nobody answers for the system",
	"severity": "high",
	"control": "NIST-AI-RMF:GOVERN-2.1",
} if {
	not evidence.name(evidence.at(["system", "owner"]))
}

violations contains {
	"code": "NO_REQUESTER",
	"message": "input.requester is missing: approvals cannot be told from the request",
	"severity": "high",
	"control": "NIST-AI-RMF:GOVERN-2.1",
} if {
	not evidence.name(evidence.at(["requester"]))
}

subject(category) := organisation if {
	startswith(category, "GOVERN-")
} else := system

max_age(category) := params.max_measure_age_days * 1440 if {
	startswith(category, "MEASURE-")
} else := params.max_evidence_age_days * 1440

violations contains {
	"code": "EVIDENCE",
	"message": sprintf("%s: %s", [categories[category], message]),
	"severity": "high",
	"control": sprintf("NIST-AI-RMF:%s", [category]),
} if {
	some category in params.categories
	message := evidence.flaw(["evidence", category], subject(category), max_age(category))
}

violations contains {
	"code": "MEASURED_BY_OWNER",
	"message": sprintf("input.evidence.%s.recorded_by is the system's owner", [category]),
	"severity": "high",
	"control": "NIST-AI-RMF:MEASURE-1.3",
} if {
	some category in params.categories
	startswith(category, "MEASURE-")
	evidence.same_person(evidence.at(["evidence", category, "recorded_by"]), evidence.at(["system", "owner"]))
}

# When the last of the evidence was recorded.
complete := max({0} | {when |
	some category in params.categories
	when := evidence.instant(evidence.at(["evidence", category, "recorded_at"]))
})

approvers := evidence.approvers(["approvals"], system, params.max_approval_age_days * 1440, complete, evidence.at(["requester"]))

violations contains {
	"code": "NOT_APPROVED",
	"message": sprintf("input.approvals: %d of %d needed, each APPROVED by another person than the requester, after the evidence, about this system", [
		count(approvers),
		params.approvals,
	]),
	"severity": "critical",
	"control": "NIST-AI-RMF:MANAGE-1.1",
} if {
	count(approvers) < params.approvals
}
