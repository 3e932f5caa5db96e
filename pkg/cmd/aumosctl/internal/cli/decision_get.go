package cli

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) decisionGetCommand() *cobra.Command {
	var receipt string
	cmd := &cobra.Command{
		Use: "get DECISION_ID", Short: "Show a decision, and get its receipt", Args: cobra.ExactArgs(1),
		Long: `Shows a decision as the Audit Wall has it. With --receipt the proof that it is there is kept in a file, which aumosctl audit verify checks without
any server.`,
		Example: `  aumosctl decision get 0198c0de-0000-7000-8000-000000000300
  aumosctl decision get 0198c0de-0000-7000-8000-000000000300 --receipt decision.tlog-proof
  aumosctl audit verify decision.tlog-proof --key wall.vkey`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.decisionGet(cmd.Context(), args[0], receipt) },
	}
	cmd.Flags().StringVar(&receipt, "receipt", "", "write the receipt of the decision's entry to this file")
	return cmd
}

func (a *app) decisionGet(ctx context.Context, key, receipt string) error {
	id, err := identifier(key, "a decision", "decision list")
	if err != nil {
		return err
	}
	conn, err := a.dialGovernance(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	res, err := call(ctx, a, governancev1.NewDecisionServiceClient(conn).GetDecision, &governancev1.GetDecisionRequest{DecisionId: id})
	if err != nil {
		return err
	}
	if receipt != "" {
		proof, err := call(ctx, a, governancev1.NewAuditServiceClient(conn).GetReceipt, &governancev1.GetReceiptRequest{EntryId: id})
		if err != nil {
			return err
		}
		if !bytes.Equal(proof.GetPosition().GetLeafHash(), res.GetDecision().GetPosition().GetLeafHash()) {
			return fmt.Errorf("the receipt is of another entry than decision %s", id)
		}
		if err := writeEvidence(receipt, proof.GetReceipt()); err != nil {
			return err
		}
	}
	return a.printRecorded(res.GetDecision())
}

// printRecorded prints what the log knows of a decision, the answer included.
func (a *app) printRecorded(d *governancev1.Decision) error {
	if a.format != formatTable {
		return a.printMessage("decision", d)
	}
	kept, masked := "", ""
	if d.GetInputKept() {
		kept = "encrypted, until its retention ends or it is erased"
	}
	if n := d.GetMaskedPaths(); n > 0 {
		masked = plural(n, "place")
	}
	err := output.Pairs(a.stdout, "", "decided", when(d.GetDecideTime()), "asked by", d.GetSubject(),
		"correlation", d.GetCorrelationId(), "input kept", kept, "input masked", masked)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	return a.printDecision(d)
}
