package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// entryFilter is the flags that choose among entries.
type entryFilter struct {
	eventType, action, outcome, actor, resource, correlation, service string
}

func (o *entryFilter) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.eventType, "type", "", "only this event type, or with a dot at its end all that start with it")
	f.StringVar(&o.action, "action", "", "only this action, for example policy.activate")
	f.StringVar(&o.outcome, "outcome", "", "only what ended so: success, denied or failure")
	f.StringVar(&o.actor, "actor", "", "only entries by this actor id")
	f.StringVar(&o.resource, "resource", "", "only entries about this kind of resource, or about one as TYPE/ID")
	f.StringVar(&o.correlation, "correlation", "", "only entries of this larger operation (correlation id)")
	f.StringVar(&o.service, "service", "", "only entries that this service recorded")
}

// resourceKey returns the type and the id of the resource; either may be empty.
func (o *entryFilter) resourceKey() (kind, id string) {
	kind, id, _ = strings.Cut(o.resource, "/")
	return kind, id
}

func (o *entryFilter) outcomeValue() (governancev1.AuditOutcome, error) {
	if o.outcome == "" {
		return governancev1.AuditOutcome_AUDIT_OUTCOME_UNSPECIFIED, nil
	}
	value, ok := governancev1.AuditOutcome_value["AUDIT_OUTCOME_"+strings.ToUpper(o.outcome)]
	if !ok || value == 0 {
		return 0, fmt.Errorf("--outcome %q is none of success, denied, failure", o.outcome)
	}
	return governancev1.AuditOutcome(value), nil
}
