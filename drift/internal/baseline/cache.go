package baseline

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/aumos-enterprise/platform/drift/internal/detect"
	"github.com/aumos-enterprise/platform/drift/internal/sample"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// Cache keeps the data of baselines that runs compared with lately, within a bound on memory. Baselines are immutable, so what it holds is never
// out of date.
type Cache struct {
	limit int64

	mu     sync.Mutex // guards what follows
	used   int64
	recent *list.List // of *cached, the most recently used first
	byKey  map[cacheKey]*list.Element
}

// cacheKey has the tenant, so that not even a guessed id reaches another tenant's data.
type cacheKey struct {
	tenant tenant.ID
	id     uuid.UUID
}

type cached struct {
	key   cacheKey
	set   sample.Set
	bytes int64
}

// NewCache returns a cache of so many bytes.
func NewCache(limit int64) *Cache {
	return &Cache{limit: limit, recent: list.New(), byKey: make(map[cacheKey]*list.Element)}
}

// errNoTenant is returned outside a tenant's request.
var errNoTenant = errors.New("load baseline: no tenant in context")

// Load returns the baseline's data, reading it in tx unless it is cached. The caller has read b in a transaction of the same tenant.
func (c *Cache) Load(ctx context.Context, tx pgx.Tx, b Baseline) (sample.Set, error) {
	id, ok := tenant.FromContext(ctx)
	if !ok {
		return sample.Set{}, errNoTenant
	}
	key := cacheKey{tenant: id, id: b.ID}
	if set, ok := c.get(key); ok {
		return set, nil
	}
	set, err := load(ctx, tx, b)
	if err != nil {
		return sample.Set{}, err
	}
	c.put(key, set)
	return set, nil
}

// Used returns the bytes held.
func (c *Cache) Used() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}

func (c *Cache) get(key cacheKey) (sample.Set, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	element, ok := c.byKey[key]
	if !ok {
		return sample.Set{}, false
	}
	c.recent.MoveToFront(element)
	return element.Value.(*cached).set, true // the list holds nothing else
}

func (c *Cache) put(key cacheKey, set sample.Set) {
	entry := &cached{key: key, set: set, bytes: set.Bytes()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.byKey[key]; ok || entry.bytes > c.limit {
		return
	}
	c.byKey[key] = c.recent.PushFront(entry)
	c.used += entry.bytes
	for c.used > c.limit {
		oldest := c.recent.Remove(c.recent.Back()).(*cached) // the list holds nothing else
		delete(c.byKey, oldest.key)
		c.used -= oldest.bytes
	}
}

// load reads and verifies a baseline's data.
func load(ctx context.Context, tx pgx.Tx, b Baseline) (sample.Set, error) {
	rows, err := tx.Query(ctx, `
		SELECT name, type, missing_count, content
		FROM drf_baseline_features
		WHERE baseline_id = @id
		ORDER BY ordinal`, pgx.NamedArgs{"id": b.ID})
	if err != nil {
		return sample.Set{}, fmt.Errorf("select baseline data: %w", err)
	}
	set := sample.Set{Rows: b.RowCount}
	var name string
	var featureType detect.FeatureType
	var missing int64
	var content []byte
	_, err = pgx.ForEachRow(rows, []any{&name, &featureType, &missing, &content}, func() error {
		s, err := sample.Decode(featureType, b.RowCount, missing, content)
		if err != nil {
			return fmt.Errorf("feature %q: %w", name, err)
		}
		set.Features = append(set.Features, sample.Feature{Name: name, Type: featureType})
		set.Samples = append(set.Samples, s)
		return nil
	})
	if errors.Is(err, sample.ErrContent) {
		return sample.Set{}, damaged(err)
	}
	if err != nil {
		return sample.Set{}, fmt.Errorf("select baseline data: %w", err)
	}
	return set, b.verify(set)
}
