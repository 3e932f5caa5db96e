package requestid_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/pkg/requestid"
)

func TestContext(t *testing.T) {
	t.Parallel()
	if got := requestid.FromContext(t.Context()); got != "" {
		t.Errorf("an empty context has id %q", got)
	}
	ctx := requestid.NewContext(t.Context(), "outer")
	if got := requestid.FromContext(requestid.NewContext(ctx, "inner")); got != "inner" {
		t.Errorf("FromContext = %q", got)
	}
	if got := requestid.FromContext(ctx); got != "outer" {
		t.Errorf("FromContext = %q", got)
	}
}
