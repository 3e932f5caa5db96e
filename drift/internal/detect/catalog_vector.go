package detect

func vectorSpecs() []Spec { return nil }
