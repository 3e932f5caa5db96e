package detect

func qualitySpecs() []Spec { return nil }
