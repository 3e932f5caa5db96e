package detect

func textSpecs() []Spec { return nil }
