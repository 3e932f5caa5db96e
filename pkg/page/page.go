// Package page implements keyset pagination's outer half: page sizes, in items and in bytes, and opaque tokens that carry the last key of a page to
// the next request. The inner half, the WHERE clause on that key, stands beside each query.
package page

import (
	"context"

	"google.golang.org/protobuf/proto"
)

const (
	defaultSize = 50
	maxSize     = 500
)

// MaxBytes bounds the items of a page. It is well under the 4 MiB that a client takes by default: the response has a token and the items' lengths, too.
const MaxBytes = 3 << 20

// Size returns the number of items for a requested page size: 0 means 50, more than 500 means 500.
func Size(requested int32) int {
	if requested <= 0 {
		return defaultSize
	}
	return int(min(requested, maxSize))
}

// Cut returns the items that fit into the response to scope, one at least, and the token for the page after them: none where nothing follows. more says
// that others follow the items; key is what the last item, by its place, leads on with (−1: that of a page without items).
func Cut[M proto.Message, K any](ctx context.Context, scope proto.Message, items []M, more bool, key func(last int) K) (fit []M, token string) {
	size := 0
	for i, item := range items {
		if size += proto.Size(item); size > MaxBytes && i > 0 {
			items, more = items[:i], true
			break
		}
	}
	if !more {
		return items, ""
	}
	return items, Encode(ctx, scope, key(len(items)-1))
}
