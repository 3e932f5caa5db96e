package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

func (a *app) auditShowCommand() *cobra.Command {
	var leaf string
	cmd := &cobra.Command{
		Use: "show INDEX|ENTRY_ID", Short: "Show an entry", Args: cobra.ExactArgs(1),
		Long: "Shows an entry. Its bytes are compared with the stored leaf hash; audit verify compares the whole log.",
		RunE: func(cmd *cobra.Command, args []string) error { return a.auditShow(cmd.Context(), args[0], leaf) },
	}
	cmd.Flags().StringVar(&leaf, "leaf", "", "write the entry's exact bytes to this file")
	return cmd
}

func (a *app) auditShow(ctx context.Context, key, leaf string) error {
	req, err := entryKey(key)
	if err != nil {
		return err
	}
	client, done, err := a.audit(ctx)
	if err != nil {
		return err
	}
	defer done()
	res, err := call(ctx, a, client.GetEntry, req)
	if err != nil {
		return err
	}
	entry := res.GetEntry()
	if leaf != "" {
		if err := writeEvidence(leaf, string(entry.GetLeaf())); err != nil {
			return err
		}
	}
	if a.format == formatTable {
		err = errors.Join(a.printEntry(entry.GetEntry(), entry.GetLeaf()), a.printCorrections(entry.GetCorrections()))
	} else {
		err = a.printMessage("entry", entry)
	}
	if err != nil {
		return err
	}
	hash := auditlog.LeafHash(entry.GetLeaf())
	switch {
	case len(entry.GetStoredHashes()) == 0 || !bytes.Equal(entry.GetStoredHashes()[0], hash[:]):
		// Altered bytes may say another index, or nothing that can be read.
		a.note("entry %s has been altered: its bytes do not have the stored hash", key)
		return answer(exitNo)
	case len(entry.GetMismatchedColumns()) > 0:
		a.note("entry %d has been altered: its columns %s differ from what was recorded",
			entry.GetEntry().GetLeafIndex(), strings.Join(entry.GetMismatchedColumns(), ", "))
		return answer(exitNo)
	default:
		return nil
	}
}

// printEntry prints an entry for people.
func (a *app) printEntry(e *governancev1.AuditEntry, leaf []byte) error {
	hash := auditlog.LeafHash(leaf)
	pairs := []string{
		"index", strconv.FormatInt(e.GetLeafIndex(), 10), "entry", e.GetEntryId(), "tenant", e.GetTenantId(),
		"event", e.GetEventType(), "action", e.GetAction(), "outcome", enum(e.GetOutcome().String(), "AUDIT_OUTCOME_"),
		"actor", actorText(e.GetActor()) + " (" + strings.ToLower(enum(e.GetActor().GetKind().String(), "ACTOR_KIND_")) + ")",
		"resource", e.GetResource().GetType() + " " + e.GetResource().GetId(), "name", e.GetResource().GetName(),
		"recorded", when(e.GetRecordedTime()), "effective", when(e.GetEffectiveTime()),
		"service", e.GetSourceService(), "request", e.GetRequestId(), "correlation", e.GetCorrelationId(),
		"leaf hash", fmt.Sprintf("%s (%s)", hex.EncodeToString(hash[:]), plural(len(leaf), "byte")),
	}
	for _, d := range e.GetDigests() {
		pairs = append(pairs, d.GetName(), "sha256:"+hex.EncodeToString(d.GetSha256()))
	}
	if err := output.Pairs(a.stdout, "", pairs...); err != nil {
		return err
	}
	return errors.Join(a.printStruct("details", e.GetDetails()), a.printStruct("state", e.GetResource().GetState()))
}

// printCorrections prints what was said of an entry later.
func (a *app) printCorrections(corrections []*governancev1.Correction) error {
	for _, c := range corrections {
		if _, err := fmt.Fprintln(a.stdout); err != nil {
			return err
		}
		err := output.Pairs(a.stdout, "", "corrected", when(c.GetRecordedTime())+" by entry "+strconv.FormatInt(c.GetPosition().GetLeafIndex(), 10),
			"by", actorText(c.GetActor()), "reason", c.GetReason())
		if err != nil {
			return err
		}
		if err := a.printStruct("should have said", c.GetCorrected()); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printStruct(name string, s *structpb.Struct) error {
	if len(s.GetFields()) == 0 {
		return nil
	}
	var text strings.Builder
	if err := output.JSON(&text, s.AsMap(), false); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.stdout, "\n%s ", name); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) { // JSON leaves some control characters as they are
		if _, err := fmt.Fprintln(a.stdout, output.Clean(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
