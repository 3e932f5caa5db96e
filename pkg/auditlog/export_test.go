package auditlog

// LeafJSON opens appendLeafJSON to the tests of the package's surface.
func LeafJSON(leaf []byte) (string, error) {
	b, _, err := appendLeafJSON(nil, leaf)
	return string(b), err
}
