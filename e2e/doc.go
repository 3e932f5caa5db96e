// Package e2e holds the end-to-end tests: the real binaries, on a real PostgreSQL, over the network, as operators and auditors use them.
package e2e
