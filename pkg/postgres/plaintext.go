package postgres

import "github.com/jackc/pgx/v5/pgconn"

// Plaintext reports whether a connection could leave the machine without TLS, which production refuses unless allowed by name. A Unix socket does
// not leave it; sslmode=prefer and sslmode=allow fall back to plaintext, and each host of several counts.
func (c Config) Plaintext() bool {
	cfg, err := pgconn.ParseConfig(c.URL.Reveal())
	if err != nil {
		return false // opening it fails
	}
	ways := append([]*pgconn.FallbackConfig{{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}}, cfg.Fallbacks...)
	for _, way := range ways {
		if network, _ := pgconn.NetworkAddress(way.Host, way.Port); network != "unix" && way.TLSConfig == nil {
			return true
		}
	}
	return false
}
