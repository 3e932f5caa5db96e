package baseline

import (
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

func set(values int) sample.Set {
	return sample.Set{Rows: int64(values), Features: []sample.Feature{{Name: "x", Type: detect.Numeric}}, Samples: []sample.Sample{{Sorted: make([]float64, values), Rows: int64(values)}}}
}

func TestCache(t *testing.T) {
	t.Parallel()
	key := func() cacheKey { return cacheKey{tenant: tenant.ID(uuid.New()), id: uuid.New()} }
	a, b, c, huge := key(), key(), key(), key()
	cache := NewCache(2000) // two sets of 100 numbers and a half
	cache.put(a, set(100))
	cache.put(b, set(100))
	if _, ok := cache.get(a); !ok {
		t.Error("a was dropped although there is room")
	}
	cache.put(c, set(100))
	if _, ok := cache.get(b); ok {
		t.Error("b was kept although it was used longest ago")
	}
	if got, ok := cache.get(a); !ok || got.Rows != 100 {
		t.Errorf("a: got %v %v", got.Rows, ok)
	}
	cache.put(huge, set(1000))
	if _, ok := cache.get(huge); ok {
		t.Error("a set over the whole limit was kept")
	}
	cache.put(a, set(100)) // twice, as two runs at once do
	if cache.Used() != 1600 {
		t.Errorf("%d bytes used", cache.Used())
	}
	if _, ok := cache.get(cacheKey{tenant: b.tenant, id: a.id}); ok {
		t.Error("another tenant got the baseline by its id")
	}
	if _, err := cache.Load(t.Context(), nil, Baseline{ID: a.id}); err == nil {
		t.Error("loaded without a tenant")
	}
}
