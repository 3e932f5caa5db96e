package interceptor

import (
	"testing"

	"github.com/google/uuid"
)

// What is written later does not change an id that somebody holds.
func TestWrittenIDs(t *testing.T) {
	t.Parallel()
	held := make(map[string]uuid.UUID)
	for range 10 * idsText {
		id := uuid.New()
		held[written(id)] = id
	}
	if len(held) != 10*idsText {
		t.Errorf("%d ids were written", len(held))
	}
	for text, id := range held {
		if text != id.String() {
			t.Errorf("%s became %s", id, text)
		}
	}
}
