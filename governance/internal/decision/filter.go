package decision

import "github.com/aumos-enterprise/platform/governance/internal/audit"

// EntryFilter selects the entries that record decisions: those of a decision point, or all of them for "".
func EntryFilter(decisionPoint string) audit.Filter {
	f := audit.Filter{EventType: EventType}
	if decisionPoint != "" {
		f.ResourceType, f.ResourceID = resourcePoint, decisionPoint
	}
	return f
}
