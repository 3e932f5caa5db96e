# Whether a high-risk AI system may be placed on the market, put into service or used, under Regulation (EU) 2024/1689 (AI Act), for the decision point
# system.deploy.
#
# Each duty of the parameters' roles needs evidence, about this very version of the system or about the organisation. No input makes a duty go away: a system that
# says that it is not high-risk is not asked less. From when on a duty applies is for whoever activates the policy to know.
package aumos.library.eu_ai_act_high_risk

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

duties := {
	"ART-4": {"about": "organisation", "roles": {"provider", "deployer"}, "title": "AI literacy of the people involved"},
	"ART-5": {"about": "system", "roles": {"provider", "deployer"}, "title": "screening for prohibited practices"},
	"ART-6": {"about": "system", "roles": {"provider", "deployer"}, "title": "classification as high-risk or not"},
	"ART-9": {"about": "system", "roles": {"provider"}, "title": "risk management over the life cycle"},
	"ART-10": {"about": "system", "roles": {"provider"}, "title": "data and data governance"},
	"ART-11": {"about": "system", "roles": {"provider"}, "title": "technical documentation"},
	"ART-12": {"about": "system", "roles": {"provider"}, "title": "automatic recording of events"},
	"ART-13": {"about": "system", "roles": {"provider"}, "title": "instructions for use"},
	"ART-14": {"about": "system", "roles": {"provider"}, "title": "human oversight by design"},
	"ART-15": {"about": "system", "roles": {"provider"}, "title": "accuracy, robustness and cybersecurity"},
	"ART-17": {"about": "organisation", "roles": {"provider"}, "title": "quality management system"},
	"ART-26": {"about": "system", "roles": {"deployer"}, "title": "use as instructed, with people assigned to oversight"},
	"ART-27": {"about": "system", "roles": {"deployer"}, "title": "assessment of the impact on fundamental rights"},
	"ART-43": {"about": "system", "roles": {"provider"}, "title": "conformity assessment"},
	"ART-47": {"about": "system", "roles": {"provider"}, "title": "EU declaration of conformity"},
	"ART-48": {"about": "system", "roles": {"provider"}, "title": "CE marking"},
	"ART-49": {"about": "system", "roles": {"provider"}, "title": "registration in the EU database"},
	"ART-72": {"about": "system", "roles": {"provider"}, "title": "plan of monitoring after placing on the market"},
}

# Deployers that need not assess the impact on fundamental rights say so in the parameters.
waived contains "ART-27" if not params.fundamental_rights_assessment

required contains article if {
	some article, duty in duties
	some role in params.roles
	role in duty.roles
	not article in waived
}

subjects := {
	"system": evidence.at(["system", "sha256"]),
	"organisation": evidence.at(["organisation", "sha256"]),
}

violations contains {
	"code": "SUBJECT_UNIDENTIFIED",
	"message": sprintf("input.%s.sha256 is missing or no SHA-256: nobody can tell what the evidence is about", [name]),
	"severity": "critical",
	"control": "EU-AI-ACT:ART-11",
} if {
	some name, digest in subjects
	not evidence.digest(digest)
}

violations contains {
	"code": "EVIDENCE",
	"message": sprintf("%s: %s", [duties[article].title, message]),
	"severity": "high",
	"control": sprintf("EU-AI-ACT:%s", [article]),
} if {
	some article in required
	message := evidence.flaw(["evidence", article], subjects[duties[article].about], params.max_evidence_age_days * 1440)
}

# The declaration follows the assessment.
violations contains {
	"code": "DECLARED_BEFORE_ASSESSED",
	"message": "input.evidence.ART-47.recorded_at is before input.evidence.ART-43.recorded_at",
	"severity": "high",
	"control": "EU-AI-ACT:ART-47",
} if {
	"ART-47" in required
	assessed := evidence.instant(evidence.at(["evidence", "ART-43", "recorded_at"]))
	declared := evidence.instant(evidence.at(["evidence", "ART-47", "recorded_at"]))
	declared < assessed
}

violations contains {
	"code": "NO_OVERSEER",
	"message": "input.oversight.person is missing: nobody can stop the system",
	"severity": "critical",
	"control": "EU-AI-ACT:ART-14",
} if {
	not evidence.name(evidence.at(["oversight", "person"]))
}

violations contains {
	"code": "LOGS_KEPT_TOO_SHORT",
	"message": sprintf("input.logging.retention_days is missing or under %d", [params.min_log_retention_days]),
	"severity": "high",
	"control": "EU-AI-ACT:ART-19",
} if {
	not kept_long_enough
}

kept_long_enough if {
	days := evidence.at(["logging", "retention_days"])
	is_number(days)
	days >= params.min_log_retention_days
}

violations contains {
	"code": "LOGGING_EVIDENCE",
	"message": message,
	"severity": "high",
	"control": "EU-AI-ACT:ART-19",
} if {
	message := evidence.flaw(["logging", "evidence"], subjects.system, params.max_evidence_age_days * 1440)
}
