package api

import (
	"github.com/aumos-enterprise/platform/governance/internal/difference"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func summaryMessage(s difference.Summary) *governancev1.DifferenceSummary {
	return &governancev1.DifferenceSummary{
		Compared: s.Compared, Same: s.Same, AllowToDeny: s.AllowToDeny, DenyToAllow: s.DenyToAllow, ToError: s.ToError, FromError: s.FromError,
		ViolationsChanged: s.ViolationsChanged, ObligationsChanged: s.ObligationsChanged,
	}
}

// differenceMessage relies on the numbers of the outcomes and reasons being the contract's, which a test makes sure of.
func differenceMessage(d difference.Difference) *governancev1.AnswerDifference {
	return &governancev1.AnswerDifference{
		FromOutcome: governancev1.DecisionOutcome(d.From), ToOutcome: governancev1.DecisionOutcome(d.To),
		FromErrorReason: governancev1.DecisionErrorReason(d.FromReason), ToErrorReason: governancev1.DecisionErrorReason(d.ToReason),
		ViolationsAdded: violationMessages(d.ViolationsAdded), ViolationsRemoved: violationMessages(d.ViolationsRemoved),
		ObligationsAdded: obligationMessages(d.ObligationsAdded), ObligationsRemoved: obligationMessages(d.ObligationsRemoved),
	}
}
