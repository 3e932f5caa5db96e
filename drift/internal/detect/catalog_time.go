package detect

func timeSpecs() []Spec { return nil }
