package detect

func distanceSpecs() []Spec { return nil }
