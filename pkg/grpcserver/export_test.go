package grpcserver

// WithDefaults is what New makes of a configuration.
func (c Config) WithDefaults() Config { return c.withDefaults() }
