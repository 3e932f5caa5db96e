package strictjson_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/strictjson"
)

func TestFault(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}, {"x": 1}]}`, `{"a": "\ufffd", "b": "\ud83d\ude00", "c": "�"}`, `{"a": 1e-999}`, `["a", "a"]`, `{"a":`, "",
	} {
		if at, why := strictjson.Fault([]byte(text)); why != "" {
			t.Errorf("%s: %d %s", text, at, why)
		}
	}
	for text, want := range map[string]int{
		`{"a": 1, "a": 2}`: 9, `[{"b": {"a": 1}, "a": 1, "\u0061":2}]`: 25, `[1, 1e999]`: 4, `{"a": "x\udc00"}`: 6, `{"\ud800": 1}`: 1, "[\"\xc3\"]": 2,
	} {
		if at, why := strictjson.Fault([]byte(text)); why == "" || at != want {
			t.Errorf("%s: %d %q, want %d", text, at, why, want)
		}
	}
}
