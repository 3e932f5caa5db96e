# Whether a data set may be stored or sent somewhere, for the decision point data.transfer.
#
# Where the destination lies and what the data set holds rest on evidence. Outside the regions of the parameters a transfer needs one of the safeguards that the
# parameters accept, recorded for this data set; special categories of personal data may be kept from leaving altogether.
package aumos.library.data_residency

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

dataset := evidence.at(["dataset", "sha256"])

destination := evidence.at(["destination", "sha256"])

max_age := params.max_evidence_age_days * 1440

at_home if evidence.at(["destination", "region"]) in params.regions

violations contains {
	"code": "DATASET_UNIDENTIFIED",
	"message": "input.dataset.sha256 is missing or no SHA-256: nobody can tell which data is meant",
	"severity": "critical",
	"control": "GDPR:ART-30",
} if {
	not evidence.digest(dataset)
}

violations contains {
	"code": "DESTINATION_UNIDENTIFIED",
	"message": "input.destination.sha256 is missing or no SHA-256 of the destination's configuration",
	"severity": "critical",
	"control": "GDPR:ART-30",
} if {
	not evidence.digest(destination)
}

violations contains {
	"code": "REGION_MISSING",
	"message": "input.destination.region is missing",
	"severity": "critical",
	"control": "GDPR:ART-44",
} if {
	not evidence.name(evidence.at(["destination", "region"]))
}

violations contains {
	"code": "NO_REQUESTER",
	"message": "input.requester is missing: nobody answers for the transfer",
	"severity": "medium",
	"control": "GDPR:ART-30",
} if {
	not evidence.name(evidence.at(["requester"]))
}

violations contains {
	"code": "DESTINATION_EVIDENCE",
	"message": message,
	"severity": "high",
	"control": "GDPR:ART-44",
} if {
	message := evidence.flaw(["destination", "evidence"], destination, max_age)
}

violations contains {
	"code": "CLASSIFICATION_EVIDENCE",
	"message": message,
	"severity": "high",
	"control": "GDPR:ART-9",
} if {
	message := evidence.flaw(["classification", "evidence"], dataset, max_age)
}

violations contains {
	"code": "CLASSIFICATION_MISSING",
	"message": "input.classification.special_categories is missing: true or false",
	"severity": "high",
	"control": "GDPR:ART-9",
} if {
	not is_boolean(evidence.at(["classification", "special_categories"]))
}

violations contains {
	"code": "SPECIAL_CATEGORIES_LEAVE",
	"message": sprintf("special categories of personal data stay in %s", [concat(", ", params.regions)]),
	"severity": "critical",
	"control": "GDPR:ART-9",
} if {
	params.special_categories_stay
	not at_home
	evidence.at(["classification", "special_categories"]) != false
}

violations contains {
	"code": "SAFEGUARD_MISSING",
	"message": sprintf("input.destination.region is none of [%s], and input.safeguard.mechanism is none of the accepted safeguards [%s]", [
		concat(", ", params.regions),
		concat(", ", params.safeguards),
	]),
	"severity": "critical",
	"control": "GDPR:ART-46",
} if {
	not at_home
	not evidence.at(["safeguard", "mechanism"]) in params.safeguards
}

violations contains {
	"code": "SAFEGUARD_EVIDENCE",
	"message": message,
	"severity": "high",
	"control": "GDPR:ART-46",
} if {
	not at_home
	message := evidence.flaw(["safeguard", "evidence"], dataset, max_age)
}
