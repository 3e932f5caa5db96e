// Package api serves aumos.governance.v1: it reads requests, calls the domain packages within the tenant's transaction, and converts what they
// return. It is the only package of the service that knows protobuf. What a rpc changes and the entries about it go through mutate.
package api
