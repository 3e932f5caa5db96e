package postgres_test

import (
	"testing"

	"github.com/aumos-enterprise/platform/pkg/config"
	"github.com/aumos-enterprise/platform/pkg/postgres"
)

func TestConfigPlaintext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		url  string
		want bool
	}{
		{"postgres://role@db.example/aumos?sslmode=verify-full", false},
		{"postgres://role@db.example/aumos?sslmode=require", false},
		{"postgres://role@db.example/aumos?sslmode=prefer", true},
		{"postgres://role@db.example/aumos?sslmode=allow", true},
		{"postgres://role@db.example/aumos?sslmode=disable", true},
		{"postgres://role@/aumos?host=/run/postgresql", false},
		{"postgres://role@/aumos?host=/run/postgresql,db.example&sslmode=disable", true},
		{"postgres://role@one.example,two.example/aumos?sslmode=verify-full", false},
		{"postgres://role@one.example:no-port/aumos", false}, // Open refuses it
	} {
		if got := (postgres.Config{URL: config.Secret(c.url)}).Plaintext(); got != c.want {
			t.Errorf("%s: got %t, want %t", c.url, got, c.want)
		}
	}
}
