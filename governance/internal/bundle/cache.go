package bundle

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// sized is what a cache keeps.
type sized interface{ size() int }

// cache keeps what was used last, up to a number of bytes.
type cache[K comparable, V sized] struct {
	limit int

	mu    sync.Mutex
	bytes int                  // guarded by mu
	items *simplelru.LRU[K, V] // guarded by mu
}

// maxItems bounds a cache also by number; its items have a kilobyte or more.
const maxItems = 1 << 16

func newCache[K comparable, V sized](limit int) (*cache[K, V], error) {
	c := &cache[K, V]{limit: limit}
	var err error
	c.items, err = simplelru.NewLRU(maxItems, func(_ K, v V) { c.bytes -= v.size() })
	return c, err
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.items.Get(key)
}

// put keeps the value; one that is larger than the cache goes at once.
func (c *cache[K, V]) put(key K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items.Remove(key)
	c.bytes += v.size()
	c.items.Add(key, v)
	for c.bytes > c.limit {
		c.items.RemoveOldest()
	}
}
