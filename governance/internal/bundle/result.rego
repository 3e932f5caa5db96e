package aumos.result

# of is a policy's answer, from what its rules are: arrays that are empty where a rule is undefined. It keeps the schema of results that decisions of the
# platform have; package rego of governance is what it must agree with.
of(policy, allows, violations, obligations) := object.union(policy, {
	"outcome": "ERROR",
	"error_reason": failure(allows, violations, obligations),
	"allow": false,
	"violations": [],
	"obligations": [],
}) if {
	failure(allows, violations, obligations)
} else := object.union(policy, {
	"outcome": outcome(allows[0]),
	"allow": allows[0],
	"violations": sorted_violations(violations),
	"obligations": sorted_obligations(allows[0], obligations),
})

# combine is the answer of all policies of a decision point: a deny overrides an error, and an error an allow.
combine(results) := {"outcome": combined, "allow": combined == "ALLOW", "results": results} if {
	combined := combine_outcomes({r.outcome | some r in results})
}

combine_outcomes(outcomes) := "DENY" if {
	"DENY" in outcomes
} else := "ALLOW" if {
	outcomes == {"ALLOW"}
} else := "ERROR"

outcome(true) := "ALLOW"

outcome(false) := "DENY"

# failure is why there is no answer; undefined when there is one.
failure(allows, violations, obligations) := "UNDEFINED" if {
	count(allows) == 0
} else := "ALLOW_NOT_BOOLEAN" if {
	not is_boolean(allows[0])
} else := "VIOLATIONS_MALFORMED" if {
	some list in violations
	not well_formed_violations(list)
} else := "RESULT_TOO_LARGE" if {
	some list in violations
	too_many(list)
} else := "RESULT_TOO_LARGE" if {
	violations_size(violations) > 32768
} else := "OBLIGATIONS_MALFORMED" if {
	some list in obligations
	not well_formed_obligations(list)
} else := "RESULT_TOO_LARGE" if {
	some list in obligations
	too_many(list)
} else := "RESULT_TOO_LARGE" if {
	obligations_size(obligations) > 32768
} else := "RESULT_TOO_LARGE" if {
	allows[0]
	violations_size(violations) + obligations_size(obligations) > 32768
}

well_formed_violations(list) if {
	collection(list)
	every v in list {
		well_formed_violation(v)
	}
}

well_formed_violation(v) if text(v)

well_formed_violation(v) if {
	is_object(v)
	every key, value in v {
		key in {"code", "message", "severity", "control"}
		text(value)
	}
	concat("", [object.get(v, "code", ""), object.get(v, "message", "")]) != ""
}

well_formed_obligations(list) if {
	collection(list)
	every o in list {
		well_formed_obligation(o)
	}
}

well_formed_obligation(o) if {
	text(o)
	o != ""
}

well_formed_obligation(o) if {
	is_object(o)
	text(o.id)
	o.id != ""
	every step in [[path, value] | walk(o, [path, value])] {
		well_formed_value(step[0], step[1])
	}
}

# well_formed_value is whether JSON can hold the value that stands at the path, with at most 16 levels.
well_formed_value(_, value) if value == null

well_formed_value(_, value) if is_boolean(value)

well_formed_value(_, value) if is_number(value)

well_formed_value(_, value) if text(value)

well_formed_value(path, value) if {
	collection(value)
	count(path) < 16
}

well_formed_value(path, value) if {
	is_object(value)
	count(path) < 16
	every key, _ in value {
		text(key)
	}
}

collection(x) if is_array(x)

collection(x) if is_set(x)

# text is whether x is a string of UTF-8, which those that builtins decode need not be.
text(x) if {
	is_string(x)
	json.unmarshal(json.marshal(x)) == x
}

too_many(list) if count(list) > 100

bytes(x) := count(hex.encode(x)) / 2

violations_size(violations) := sum([bytes(part) | some list in violations; some v in list; some part in violation(v)])

obligations_size(obligations) := sum([obligation_size(o) | some list in obligations; some o in list])

obligation_size(o) := sum([value_size(v) | walk(o, [_, v])]) + sum([n | walk(o, [_, v]); is_object(v); some key, _ in v; n := 8 + bytes(key)])

value_size(v) := 8 + bytes(v) if {
	is_string(v)
} else := 13 if {
	is_number(v)
} else := 8

violation(v) := ["", v, "", ""] if {
	is_string(v)
} else := [object.get(v, key, "") | some key in ["code", "message", "severity", "control"]]

sorted_violations(violations) := [
{"code": v[0], "message": v[1], "severity": v[2], "control": v[3]} |
	some v in sort([violation(v) | some list in violations; some v in list])
]

sorted_obligations(false, _) := []

sorted_obligations(true, obligations) := [o[2] | some o in sort({obligation(o) | some list in obligations; some o in list})]

obligation(o) := [o, "null", {"id": o}] if {
	is_string(o)
} else := [o.id, json.marshal(o), {"id": o.id, "parameters": o}]
