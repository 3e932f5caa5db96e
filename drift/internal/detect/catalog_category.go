package detect

func categorySpecs() []Spec { return nil }
