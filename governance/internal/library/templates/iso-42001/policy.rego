# Whether an AI management system has evidence for ISO/IEC 42001:2023, for the decision point management.review.
#
# Clauses 4 to 10 and the controls of Annex A, under their numbers and in our own words. Every clause needs evidence about the scope of the management system. A control
# may be left out, by the parameters and with a reason (the statement of applicability, 6.1.3), never by the input.
package aumos.library.iso_42001

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

clauses := {
	"4.1": "issues that bear on the purpose",
	"4.2": "needs of interested parties",
	"4.3": "scope of the management system",
	"5.1": "commitment of the leadership",
	"5.2": "AI policy",
	"5.3": "roles and authorities",
	"6.1.2": "assessment of AI risks",
	"6.1.3": "treatment of AI risks and statement of applicability",
	"6.1.4": "assessment of the system's impact",
	"6.2": "objectives and plans",
	"7.2": "competence",
	"7.3": "awareness",
	"7.5": "documented information",
	"8.1": "operational planning and control",
	"8.2": "risk assessments as planned",
	"8.3": "risk treatment carried out",
	"8.4": "impact assessments as planned",
	"9.1": "monitoring and measurement",
	"9.2": "internal audit",
	"9.3": "management review",
	"10.1": "continual improvement",
	"10.2": "nonconformities and corrective action",
}

controls := {
	"A.2.2": "a policy on AI",
	"A.2.3": "how it fits the other policies",
	"A.2.4": "its review",
	"A.3.2": "who is responsible for what",
	"A.3.3": "a way to report concerns",
	"A.4.2": "an inventory of resources",
	"A.4.3": "the data used",
	"A.4.4": "the tools used",
	"A.4.5": "the computing used",
	"A.4.6": "the people and their skills",
	"A.5.2": "a process of impact assessment",
	"A.5.3": "its results on record",
	"A.5.4": "impact on persons and groups",
	"A.5.5": "impact on society",
	"A.6.1.2": "goals of responsible development",
	"A.6.1.3": "a process of responsible development",
	"A.6.2.2": "requirements",
	"A.6.2.3": "design on record",
	"A.6.2.4": "verification and validation",
	"A.6.2.5": "a plan of deployment",
	"A.6.2.6": "operation and monitoring",
	"A.6.2.7": "technical documentation",
	"A.6.2.8": "event logs",
	"A.7.2": "data management",
	"A.7.3": "how data was acquired",
	"A.7.4": "quality of data",
	"A.7.5": "provenance of data",
	"A.7.6": "preparation of data",
	"A.8.2": "information for users",
	"A.8.3": "a way to report adverse impacts",
	"A.8.4": "communication of incidents",
	"A.8.5": "information for interested parties",
	"A.9.2": "a process of responsible use",
	"A.9.3": "goals of responsible use",
	"A.9.4": "use as intended",
	"A.10.2": "responsibilities along the chain",
	"A.10.3": "suppliers",
	"A.10.4": "customers",
}

excluded := {exclusion.control | some exclusion in params.exclusions}

required := object.union(clauses, {control: title |
	some control, title in controls
	not control in excluded
})

scope := evidence.at(["scope", "sha256"])

violations contains {
	"code": "SCOPE_UNIDENTIFIED",
	"message": "input.scope.sha256 is missing or no SHA-256 of the document with the scope of the management system",
	"severity": "critical",
	"control": "ISO-42001:4.3",
} if {
	not evidence.digest(scope)
}

violations contains {
	"code": "NO_OWNER",
	"message": "input.scope.owner is missing: nobody answers for the management system",
	"severity": "high",
	"control": "ISO-42001:5.3",
} if {
	not evidence.name(evidence.at(["scope", "owner"]))
}

violations contains {
	"code": "EVIDENCE",
	"message": sprintf("%s: %s", [title, message]),
	"severity": "high",
	"control": sprintf("ISO-42001:%s", [number]),
} if {
	some number, title in required
	message := evidence.flaw(["evidence", number], scope, params.max_evidence_age_days * 1440)
}

# Nobody audits their own work.
violations contains {
	"code": "AUDITED_BY_OWNER",
	"message": "input.evidence.9.2.recorded_by is the owner of the management system",
	"severity": "high",
	"control": "ISO-42001:9.2",
} if {
	evidence.same_person(evidence.at(["evidence", "9.2", "recorded_by"]), evidence.at(["scope", "owner"]))
}

# The management reviews what the audit found.
violations contains {
	"code": "REVIEWED_BEFORE_AUDITED",
	"message": "input.evidence.9.3.recorded_at is before input.evidence.9.2.recorded_at",
	"severity": "high",
	"control": "ISO-42001:9.3",
} if {
	audited := evidence.instant(evidence.at(["evidence", "9.2", "recorded_at"]))
	reviewed := evidence.instant(evidence.at(["evidence", "9.3", "recorded_at"]))
	reviewed < audited
}
