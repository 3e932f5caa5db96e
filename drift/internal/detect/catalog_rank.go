package detect

func rankSpecs() []Spec { return nil }
