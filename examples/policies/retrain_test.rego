package aumos.retrain_test

import data.aumos.retrain

detection := {
	"status": "DRIFT_STATUS_DRIFT",
	"severity": 0.8,
	"drifted_feature_count": 3,
	"feature_count": 8,
	"row_count": 5000,
	"evidence": {"state": "EVIDENCE_STATE_RECORDED"},
}

# No part of a detection can be left out.
test_every_part_is_needed if {
	retrain.allow with input as {"detection": detection}
	every part in {"status", "severity", "drifted_feature_count", "row_count", "evidence"} {
		not retrain.allow with input as {"detection": object.remove(detection, {part})}
	}
}

# A number in quotes is none.
test_numbers_are_numbers if {
	every part in {"severity", "drifted_feature_count", "row_count"} {
		not retrain.allow with input as {"detection": object.union(detection, {part: "9999"})}
	}
}
