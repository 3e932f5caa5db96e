package detect

import "context"

// Compare is Evaluate for a single feature.
func Compare(feature FeatureInput, settings Settings) FeatureResult {
	run, _ := Evaluate(context.Background(), Input{Features: []FeatureInput{feature}}, settings) // nothing ends it
	return run.Features[0]
}
