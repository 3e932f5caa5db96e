// Package page implements keyset pagination's outer half: page sizes, and opaque tokens that carry the last key of a page to the next
// request. The inner half, the WHERE clause on that key, stands beside each query.
package page

const (
	defaultSize = 50
	maxSize     = 500
)

// Size returns the number of items for a requested page size: 0 means 50, more than 500 means 500.
func Size(requested int32) int {
	if requested <= 0 {
		return defaultSize
	}
	return int(min(requested, maxSize))
}
