package cli

import (
	"fmt"

	"github.com/google/uuid"
)

// identifier reads the id of one thing, "a decision", in any of the forms that a UUID has; lister prints those that there are.
func identifier(text, kind, lister string) (string, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return "", fmt.Errorf("%q is not the id of %s (UUID): aumosctl %s shows them", text, kind, lister)
	}
	return id.String(), nil
}
