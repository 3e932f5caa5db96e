# Whether personal data may be processed with the consent of the person it is about, for the decision point data.process.
#
# The person is named by a digest. Their consent is evidence, given for this purpose, on a notice that is known; and it was looked up in the register of consents a
# short time ago, because it can be withdrawn at any time.
package aumos.library.consent

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

person := evidence.at(["data_subject", "sha256"])

purpose := evidence.at(["purpose"])

violations contains {
	"code": "DATA_SUBJECT_UNIDENTIFIED",
	"message": "input.data_subject.sha256 is missing or no SHA-256: nobody can tell whose data is meant",
	"severity": "critical",
	"control": "GDPR:ART-7",
} if {
	not evidence.digest(person)
}

violations contains {
	"code": "PURPOSE_NOT_ALLOWED",
	"message": sprintf("input.purpose is missing or not one of %s", [concat(", ", params.purposes)]),
	"severity": "critical",
	"control": "GDPR:ART-5",
} if {
	not purpose in params.purposes
}

violations contains {
	"code": "PURPOSE_NOT_CONSENTED",
	"message": "input.consent.purposes does not hold input.purpose",
	"severity": "critical",
	"control": "GDPR:ART-6",
} if {
	not purpose in evidence.listed(["consent", "purposes"])
}

# Closed lists, spelt exactly: a kind of data that nobody has thought of, or another spelling of one that needs explicit consent, does not slip through.
categories := {category | some category in array.concat(params.categories, params.explicit_categories)}

violations contains {
	"code": "CATEGORY_NOT_ALLOWED",
	"message": sprintf("input.categories is missing, or not a list of 1 to 50 of %s", [concat(", ", categories)]),
	"severity": "high",
	"control": "GDPR:ART-5",
} if {
	not categories_allowed
}

categories_allowed if {
	list := evidence.listed(["categories"])
	count(list) > 0
	every category in list {
		category in categories
	}
}

violations contains {
	"code": "NOTICE_UNKNOWN",
	"message": "input.consent.notice_sha256 is missing or not the digest of an accepted notice",
	"severity": "high",
	"control": "GDPR:ART-7",
} if {
	not evidence.at(["consent", "notice_sha256"]) in params.notices
}

violations contains {
	"code": "CONSENT_EVIDENCE",
	"message": message,
	"severity": "critical",
	"control": "GDPR:ART-7",
} if {
	message := evidence.flaw(["consent", "evidence"], person, params.max_consent_age_days * 1440)
}

violations contains {
	"code": "CONSENT_NOT_EXPLICIT",
	"message": sprintf("input.consent.explicit is not true, as %s need", [concat(", ", params.explicit_categories)]),
	"severity": "critical",
	"control": "GDPR:ART-9",
} if {
	some category in evidence.listed(["categories"])
	category in params.explicit_categories
	evidence.at(["consent", "explicit"]) != true
}

violations contains {
	"code": "CONSENT_WITHDRAWN",
	"message": "input.status.state is not GIVEN: the register does not say that the consent stands",
	"severity": "critical",
	"control": "GDPR:ART-7",
} if {
	evidence.at(["status", "state"]) != "GIVEN"
}

violations contains {
	"code": "STATUS_EVIDENCE",
	"message": message,
	"severity": "high",
	"control": "GDPR:ART-7",
} if {
	message := evidence.flaw(["status", "evidence"], person, params.max_status_age_minutes)
}

violations contains {
	"code": "STATUS_BEFORE_CONSENT",
	"message": "input.status.evidence.recorded_at is not after input.consent.evidence.recorded_at: the register was read before the consent was given",
	"severity": "high",
	"control": "GDPR:ART-7",
} if {
	not read_after_consent
}

read_after_consent if {
	read := evidence.instant(evidence.at(["status", "evidence", "recorded_at"]))
	given := evidence.instant(evidence.at(["consent", "evidence", "recorded_at"]))
	read >= given
}
