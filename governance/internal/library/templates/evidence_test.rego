package aumos.library.evidence_test

import data.aumos.library.evidence

about := "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

sound := {
	"id": "0198c0de-0000-7000-8000-000000000001",
	"sha256": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
	"recorded_by": "ann",
	"recorded_at": "2026-01-31T12:00:00Z",
	"subject_sha256": about,
}

now := time.parse_rfc3339_ns("2026-02-01T12:00:00Z")

day := 1440

flaw(reference) := found if {
	found := evidence.flaw(["e"], about, day) with input as {"e": reference} with time.now_ns as now
}

# What is wrong with the reference once some of its members are others.
changed(change) := flaw(object.union(sound, change))

test_sound if not flaw(sound)

test_missing if {
	flaw(null) == "input.e is missing"
	evidence.flaw(["e"], about, day) == "input.e is missing" with input as {}
	evidence.flaw(["e"], about, day) == "input.e is missing" with input as "no object"
	evidence.flaw(["e", "f"], about, day) == "input.e.f is missing" with input as {"e": "no object"}
}

test_nothing_in_it if {
	every reference in [{}, "text", [], 7, true, {"id": 1, "sha256": {}, "recorded_by": [], "recorded_at": 5, "subject_sha256": false}] {
		flaw(reference) == concat("", [
			"input.e: no id (UUID), no recorded_at (UTC, like 2026-01-31T12:00:00Z), no recorded_by, no sha256, no subject_sha256",
		])
	}
}

test_bad_ids if {
	every id in ["", "0198C0DE-0000-7000-8000-000000000001", "00000000-0000-0000-0000-000000000000", "0198c0de-0000-7000-8000-00000000000g"] {
		changed({"id": id}) == "input.e: no id (UUID)"
	}
}

test_bad_digests if {
	every sum in [
		"", upper(about), "0000000000000000000000000000000000000000000000000000000000000000",
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	] {
		changed({"sha256": sum}) == "input.e: no sha256"
		changed({"subject_sha256": sum}) == "input.e: no subject_sha256"
	}
}

test_digest_of_nothing if crypto.sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

test_about_something_else if {
	changed({"subject_sha256": sound.sha256}) == "input.e: subject_sha256 is the digest of something else"
}

test_nobody if {
	every person in ["", " \t\n", "\u0000", "ann\nbob", sprintf("%0201d", [1])] {
		changed({"recorded_by": person}) == "input.e: no recorded_by"
	}
}

test_times if {
	changed({"recorded_at": "2026-02-01T12:01:01Z"}) == "input.e: recorded_at is in the future"
	not changed({"recorded_at": "2026-02-01T12:01:00Z"})
	changed({"recorded_at": "2026-01-31T11:59:59.999999999Z"}) == "input.e: recorded_at is more than 1 days ago"
	every moment in [
		"2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z", "2026-01-31T24:00:00Z",
		"2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00:00+01:00", "2026-01-31 12:00:00Z", "1926-01-31T12:00:00Z", "",
	] {
		changed({"recorded_at": moment}) == "input.e: no recorded_at (UTC, like 2026-01-31T12:00:00Z)"
	}
}

test_leap_day if evidence.instant("2028-02-29T00:00:00Z") == 1835395200000000000

test_spans if {
	evidence.span(2880) == "2 days"
	evidence.span(90) == "90 minutes"
}

test_lists if {
	evidence.listed(["l"]) == [1, 2] with input as {"l": [1, 2]}
	evidence.listed(["l"]) == [] with input as {"l": "text"}
	evidence.listed(["l"]) == [] with input as {"l": numbers.range(1, 51)}
}

approved := object.union(sound, {"decision": "APPROVED"})

approvers(list) := found if {
	found := evidence.approvers(["l"], about, day, evidence.instant("2026-01-31T12:00:00Z"), "Eve") with input as {"l": list} with time.now_ns as now
}

test_approvers if {
	approvers([approved, object.union(approved, {"recorded_by": "Bob"})]) == {"ann", "bob"}
	approvers([approved, object.union(approved, {"recorded_by": " ANN "})]) == {"ann"}
	approvers([sound, object.union(approved, {"decision": "REJECTED"}), object.remove(approved, ["id"]), "text"]) == set()
	approvers([object.union(approved, {"recorded_by": "eve"})]) == set()
	approvers([object.union(approved, {"recorded_at": "2026-01-31T11:59:59Z"})]) == set()
}

test_same_person if {
	evidence.same_person("Ann ", "ann")
	not evidence.same_person("ann", "bob")
	not evidence.same_person(null, null)
}
