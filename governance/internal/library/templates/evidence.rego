# What counts as evidence: a reference to something recorded, that anybody can look up and compare. It says what was recorded (id and digest), who
# recorded it and when, and what it is about:
#
#	{"id": "0198c0de-0000-7000-8000-000000000001", "sha256": "<64 hexadecimal digits>", "recorded_by": "ann", "recorded_at": "2026-01-31T12:00:00Z",
#	 "subject_sha256": "<the digest of what it is about>"}
#
# Nothing here fails on any input: what is missing or has the wrong type is a flaw. What an input says is never part of a message, so that no input
# makes a result too large.
package aumos.library.evidence

# The value at a path of the input; null when there is none.
at(path) := value if {
	is_object(input)
	value := object.get(input, path, null)
} else := null

# The elements of a list; none when it is no list, or a longer one than anybody needs.
listed(path) := list if {
	list := at(path)
	is_array(list)
	count(list) <= 50
} else := []

# A path as messages name it.
shown(path) := concat(".", array.concat(["input"], path))

# What is wrong with the reference at a path, as one message; undefined when nothing is.
flaw(path, subject, max_minutes) := sprintf("%s is missing", [shown(path)]) if {
	at(path) == null
} else := sprintf("%s: %s", [shown(path), concat(", ", found)]) if {
	found := flaws(at(path), subject, max_minutes)
	count(found) > 0
}

# A member of what may be no object; null when there is none. Under `not` an undefined operand would make the whole condition undefined, not true, so that nothing that
# is negated may be read from the input in any other way.
member(value, key) := object.get(value, key, null) if {
	is_object(value)
} else := null

flaws(reference, subject, max_minutes) := union({
	{"no id (UUID)" | not uuid(member(reference, "id"))},
	{"no sha256" | not digest(member(reference, "sha256"))},
	{"no recorded_by" | not name(member(reference, "recorded_by"))},
	{"no recorded_at (UTC, like 2026-01-31T12:00:00Z)" | not instant(member(reference, "recorded_at"))},
	{"recorded_at is in the future" | instant(member(reference, "recorded_at")) > time.now_ns() + skew},
	{sprintf("recorded_at is more than %s ago", [span(max_minutes)]) |
		instant(member(reference, "recorded_at")) < time.now_ns() - (max_minutes * minute)
	},
	{"no subject_sha256" | not digest(member(reference, "subject_sha256"))},
	{"subject_sha256 is the digest of something else" |
		digest(member(reference, "subject_sha256"))
		member(reference, "subject_sha256") != subject
	},
})

# Everybody who approved the subject with sound evidence, since a time, other than somebody: nobody approves their own request.
approvers(path, subject, max_minutes, since, other) := {lower(trim_space(approval.recorded_by)) |
	some approval in listed(path)
	approval.decision == "APPROVED"
	count(flaws(approval, subject, max_minutes)) == 0
	instant(approval.recorded_at) >= since
	not same_person(approval.recorded_by, other)
}

same_person(a, b) if {
	name(a)
	name(b)
	lower(trim_space(a)) == lower(trim_space(b))
}

# The patterns have no repetition counts, which would make the engine weigh each match anew: lengths are counted instead.

# A UUID in lower case that is not nil.
uuid(value) if {
	is_string(value)
	count(value) == 36
	regex.match(`^[0-9a-f-]+$`, value)
	[count(part) | some part in split(value, "-")] == [8, 4, 4, 4, 12]
	value != "00000000-0000-0000-0000-000000000000"
}

# A SHA-256 in lower-case hexadecimal, of something: neither zero nor the digest of nothing.
digest(value) if {
	is_string(value)
	count(value) == 64
	regex.match(`^[0-9a-f]+$`, value)
	value != "0000000000000000000000000000000000000000000000000000000000000000"
	value != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
}

# A name of somebody or something: at most 200 characters, not blank and without control characters.
name(value) if {
	is_string(value)
	count(value) <= 200
	regex.match(`^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$`, value)
}

# A time in UTC, in nanoseconds since 1970. The pattern admits only days that exist: the function fails on others.
instant(value) := time.parse_rfc3339_ns(value) if {
	is_string(value)
	count(value) <= 30
	regex.match(pattern, value)
}

pattern := concat("", [
	`^20(\d\d-((0[13578]|1[02])-(0[1-9]|[12]\d|3[01])|(0[469]|11)-(0[1-9]|[12]\d|30)|02-(0[1-9]|1\d|2[0-8]))|([02468][048]|[13579][26])-02-29)`,
	`T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?Z$`,
])

minute := 60000000000

# How far clocks may differ.
skew := minute

# A number of minutes in words.
span(minutes) := sprintf("%d days", [minutes / 1440]) if {
	minutes % 1440 == 0
} else := sprintf("%d minutes", [minutes])
