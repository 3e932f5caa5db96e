// Package api serves aumos.governance.v1: it reads requests, calls the domain packages within the tenant's transaction, and converts what they
// return. It is the only package of the service that knows protobuf. What a rpc changes and the entries about it go through mutate.
//
// The files of a service begin alike: audit for AuditService, bundle for BundleService, decision for DecisionService, policy for PolicyService, simulation for
// PolicySimulationService (with replays and shadows), suite for PolicyTestService, template for PolicyTemplateService, and time_machine for
// TimeMachineService. Those that end in convert turn what the domain has into messages and into the states that entries hold. What all services share
// is in mutation.go, actor.go and convert.go.
//
// It is one package, since the services share all of that and are tested on one fixture: the whole chain, a real database and the wall.
package api
