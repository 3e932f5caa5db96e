package detect

func rowSpecs() []Spec { return nil }
