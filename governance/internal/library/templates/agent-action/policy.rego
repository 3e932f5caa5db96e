# Whether an agent may do what it is about to do, for the decision point agent.act.
#
# An agent acts in a registered version, for a person, with the tools and classes of data of the parameters. What needs a person's approval is approved for exactly
# this action, by the digest of its arguments, a short time ago. Agents on the list of halted ones do nothing.
package aumos.library.agent_action

import data.aumos.library.evidence
import data.aumos.library.params

default allow := false

allow if count(violations) == 0

agent := evidence.at(["agent", "sha256"])

action := evidence.at(["action", "sha256"])

amount := evidence.at(["action", "amount"])

tool_names := {tool.name | some tool in params.tools}

violations contains {
	"code": "AGENT_UNIDENTIFIED",
	"message": sprintf("%s is missing or malformed", [field]),
	"severity": "critical",
	"control": "NIST-AI-RMF:GOVERN-1.6",
} if {
	some field in unidentified
}

unidentified contains "input.agent.name" if not evidence.name(evidence.at(["agent", "name"]))

unidentified contains "input.agent.sha256" if not evidence.digest(agent)

unidentified contains "input.agent.owner" if not evidence.name(evidence.at(["agent", "owner"]))

unidentified contains "input.session.id" if not evidence.uuid(evidence.at(["session", "id"]))

unidentified contains "input.session.started_by" if not evidence.name(evidence.at(["session", "started_by"]))

unidentified contains "input.action.sha256" if not evidence.digest(action)

violations contains {
	"code": "AGENT_HALTED",
	"message": "the agent is halted",
	"severity": "critical",
	"control": "NIST-AI-RMF:MANAGE-2.4",
} if {
	halted
}

halted if {
	some name in params.halted_agents
	evidence.same_person(evidence.at(["agent", "name"]), name)
}

# Under another name it is still the version that was halted.
halted if agent in params.halted_agents

violations contains {
	"code": "AGENT_NOT_REGISTERED",
	"message": message,
	"severity": "high",
	"control": "ISO-42001:A.6.2.5",
} if {
	message := evidence.flaw(["agent", "evidence"], agent, params.max_registration_age_days * 1440)
}

violations contains {
	"code": "DELEGATED_TOO_DEEP",
	"message": sprintf("input.session.depth is missing or not from 0 to %d: agents started by agents", [params.max_depth]),
	"severity": "high",
	"control": "NIST-AI-RMF:GOVERN-3.2",
} if {
	not within("depth", params.max_depth)
}

within(name, limit) if {
	value := evidence.at(["session", name])
	is_number(value)
	value >= 0
	value <= limit
}

violations contains {
	"code": "TOOL_NOT_ALLOWED",
	"message": sprintf("input.action.tool is missing or not one of %s", [concat(", ", tool_names)]),
	"severity": "critical",
	"control": "OWASP-LLM:LLM06-2025",
} if {
	not evidence.at(["action", "tool"]) in tool_names
}

violations contains {
	"code": "DATA_CLASS_NOT_ALLOWED",
	"message": sprintf("input.action.data_class is missing or not one of %s", [concat(", ", params.data_classes)]),
	"severity": "high",
	"control": "OWASP-LLM:LLM06-2025",
} if {
	not evidence.at(["action", "data_class"]) in params.data_classes
}

violations contains {
	"code": "AMOUNT_TOO_LARGE",
	"message": sprintf("input.action.amount is missing or not from 0 to %v", [params.max_amount]),
	"severity": "critical",
	"control": "EU-AI-ACT:ART-14",
} if {
	not affordable(params.max_amount)
}

affordable(limit) if {
	is_number(amount)
	amount >= 0
	amount <= limit
}

# Whether the agent may do it alone: the tool is harmless and the amount small.
alone if {
	some tool in params.tools
	tool.name == evidence.at(["action", "tool"])
	tool.approval == false
	affordable(params.approval_above_amount)
}

violations contains {
	"code": "APPROVAL_MISSING",
	"message": message,
	"severity": "critical",
	"control": "EU-AI-ACT:ART-14",
} if {
	not alone
	message := evidence.flaw(["approval"], action, params.max_approval_age_minutes)
}

violations contains {
	"code": "APPROVAL_NOT_GIVEN",
	"message": "input.approval.decision is not APPROVED",
	"severity": "critical",
	"control": "EU-AI-ACT:ART-14",
} if {
	not alone
	evidence.at(["approval", "decision"]) != "APPROVED"
}

violations contains {
	"code": "APPROVER_NOT_ALLOWED",
	"message": "input.approval.recorded_by is the agent, or nobody who may approve",
	"severity": "critical",
	"control": "EU-AI-ACT:ART-14",
} if {
	not alone
	not approver_allowed
}

approver_allowed if {
	some person in params.approvers
	evidence.same_person(evidence.at(["approval", "recorded_by"]), person)
	not evidence.same_person(evidence.at(["agent", "name"]), person)
}
