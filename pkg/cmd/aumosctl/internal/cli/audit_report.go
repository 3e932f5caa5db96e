package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

// noKeyHint is what to do without a key.
const noKeyHint = "give the log's key with --key: keep one with aumosctl audit keys --out wall.vkey, from before the time that you want to verify"

// noPlatformKeyHint is what to do about a commitment that no trusted key signed.
const noPlatformKeyHint = "also give the key of the platform's log with --key: keep one with aumosctl audit keys --platform --out platform.vkey"

// lacksPlatformKey reports whether the commitment on the platform's log could not be verified for want of a key.
func (v verification) lacksPlatformKey() bool {
	return slices.ContainsFunc(v.report.Findings, func(f auditlog.Finding) bool {
		return f.Reason == auditlog.ReasonUnknownKey && strings.HasPrefix(f.Detail, "the commitment on the platform's log")
	})
}

// reportVerifications prints what was found and returns the exit code of the worst: tampered, then failures, then doubts.
func (a *app) reportVerifications(keys auditlog.Keyring, done []verification, failure error) error {
	var worst error
	var results []any
	for _, v := range done {
		switch v.report.Verdict {
		case auditlog.Tampered:
			worst = answer(exitNo)
		case auditlog.Verified:
		default:
			if worst == nil {
				worst = answer(exitUnclear)
			}
		}
		if a.format != formatTable {
			results = append(results, v.json())
			continue
		}
		if err := a.printVerification(v); err != nil {
			return err
		}
	}
	if err := a.printResults(results); err != nil {
		return err
	}
	switch {
	case keys.Empty() && len(done) > 0:
		a.note("what to do: %s", noKeyHint)
	case slices.ContainsFunc(done, verification.lacksPlatformKey):
		a.note("what to do: %s", noPlatformKeyHint)
	}
	if failure != nil {
		if errors.Is(worst, answer(exitNo)) {
			a.note("error: %s", failure)
			return worst
		}
		return failure
	}
	return worst
}

// printResults prints reports for programs: one as it is, several as an array, or each on a line.
func (a *app) printResults(results []any) error {
	if a.format == formatJSON && len(results) > 1 {
		return a.printJSON(results)
	}
	for _, result := range results {
		if err := a.printJSON(result); err != nil {
			return err
		}
	}
	return nil
}

// printVerification prints a report for people.
func (a *app) printVerification(v verification) error {
	r := v.report
	title := r.Verdict.String()
	if r.Verdict == auditlog.CannotVerify {
		title = "CANNOT VERIFY"
	}
	if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", title, output.Clean(v.name)); err != nil {
		return err
	}
	for _, finding := range r.Findings {
		doubt := ""
		if r.Verdict == auditlog.Tampered && !finding.Certain() {
			doubt = " (a doubt, no proof)"
		}
		if _, err := fmt.Fprintf(a.stdout, "  %s%s\n", output.Clean(finding.String()), doubt); err != nil {
			return err
		}
	}
	if r.Dropped > 0 {
		if _, err := fmt.Fprintf(a.stdout, "  and %d more\n", r.Dropped); err != nil {
			return err
		}
	}
	if err := output.Pairs(a.stdout, "  ", v.facts()...); err != nil {
		return err
	}
	if v.leaf == nil || r.Verdict != auditlog.Verified {
		return nil
	}
	entry := new(governancev1.AuditEntry)
	if err := proto.Unmarshal(v.leaf, entry); err != nil {
		return fmt.Errorf("read the entry: %w", err)
	}
	if _, err := fmt.Fprintln(a.stdout, "\nthe entry says"); err != nil {
		return err
	}
	return a.printEntry(entry, v.leaf)
}

// facts are the pairs of names and values that describe what was read.
func (v verification) facts() []string {
	r := v.report
	var pairs []string
	if r.Origin != "" {
		pairs = append(pairs, "log", r.Origin)
	}
	if v.receipt {
		pairs = append(pairs, "entry", fmt.Sprintf("index %d", r.FirstIndex))
	} else if r.Entries > 0 {
		pairs = append(pairs, "entries", fmt.Sprintf("%d, index %d to %d, recorded %s to %s", r.Entries, r.FirstIndex, r.FirstIndex+r.Entries-1,
			r.First.UTC().Format(time.RFC3339), r.Last.UTC().Format(time.RFC3339)))
	}
	if r.TreeSize > 0 {
		pairs = append(pairs, "checkpoint", fmt.Sprintf("of %d entries, root %s", r.TreeSize, hex.EncodeToString(r.RootHash[:])))
	}
	for _, key := range r.SignedBy {
		pairs = append(pairs, "signed by", key)
	}
	for _, name := range r.WitnessedBy {
		pairs = append(pairs, "witness", name)
	}
	for _, fits := range []struct {
		n    int64
		what string
	}{
		{int64(r.KnownCheckpoints), "known checkpoint"},
		{int64(r.StoredCheckpoints), "stored checkpoint"},
		{int64(r.CommittedHeads), "platform commitment"},
		{r.Receipts, "receipt"},
	} {
		if fits.n > 0 {
			pairs = append(pairs, "also fits", plural(fits.n, fits.what))
		}
	}
	if r.Unsigned > 0 {
		label := "not signed yet"
		if len(r.WitnessedBy) > 0 { // later checkpoints may be without a quorum
			label = "not witnessed yet"
		}
		pairs = append(pairs, label, fmt.Sprintf("%d after the checkpoint, which hold together", r.Unsigned))
	}
	if r.UniqueIDs < r.Entries && !v.receipt {
		pairs = append(pairs, "not checked", fmt.Sprintf("whether entry ids repeat beyond the first %d", r.UniqueIDs))
	}
	return append(pairs, v.certainty()...)
}

// certainty says what is proven, and on what that rests.
func (v verification) certainty() []string {
	switch v.report.Verdict {
	case auditlog.Verified:
		return []string{"proven", v.proven()}
	case auditlog.Tampered:
		for _, f := range v.report.Findings {
			if f.Certain() && (f.Reason == auditlog.ReasonCheckpointConflict || f.Reason == auditlog.ReasonRootHash) {
				return []string{"how sure", "certain: no other entries have the hashes that were signed; either the entries or the head was made up"}
			}
		}
		return []string{"how sure", "certain: what is named contradicts what stands beside it, whoever signed"}
	default:
		return []string{"how sure", "nothing contradicts itself, and what is named is missing to tell"}
	}
}

// proven says in words what a verified report proves.
func (v verification) proven() string {
	switch {
	case !v.receipt && v.report.FirstIndex+v.report.Entries < v.report.TreeSize:
		return "these are all entries of that range of the signed log, each byte as it was signed; more follow"
	case !v.receipt && v.report.FirstIndex > 0:
		return "these are all entries from the first of them up to the checkpoint, each byte as it was signed"
	case !v.receipt:
		return "these are all entries up to the checkpoint, each byte as it was signed"
	case v.leaf == nil:
		return "an entry with the receipt's leaf hash stands at this index of the signed log; what it says is proven with --leaf"
	default:
		return "the entry below stands at this index of the signed log, each byte as it was signed"
	}
}

// verificationJSON is a report for programs.
type verificationJSON struct {
	Name              string        `json:"name"`
	Verdict           string        `json:"verdict"`
	Origin            string        `json:"origin,omitempty"`
	TenantID          string        `json:"tenant_id,omitempty"`
	FirstIndex        int64         `json:"first_index"`
	Entries           int64         `json:"entries"`
	FirstRecorded     *time.Time    `json:"first_recorded_time,omitempty"`
	LastRecorded      *time.Time    `json:"last_recorded_time,omitempty"`
	TreeSize          int64         `json:"tree_size"`
	RootHash          string        `json:"root_hash,omitempty"`
	SignedBy          []string      `json:"signed_by,omitempty"`
	KnownCheckpoints  int           `json:"known_checkpoints"`
	StoredCheckpoints int           `json:"stored_checkpoints,omitempty"`
	CommittedHeads    int           `json:"committed_heads,omitempty"`
	Receipts          int64         `json:"receipts,omitempty"`
	Unsigned          int64         `json:"entries_not_signed,omitempty"`
	UniqueIDs         int64         `json:"entry_ids_compared"`
	WitnessedBy       []string      `json:"witnessed_by,omitempty"`
	Findings          []findingJSON `json:"findings"`
	Dropped           int           `json:"findings_dropped,omitempty"`
}

type findingJSON struct {
	auditlog.Finding
	Certain bool `json:"certain"`
}

func (v verification) json() verificationJSON {
	r := v.report
	j := verificationJSON{
		Name: v.name, Verdict: r.Verdict.String(), Origin: r.Origin, TenantID: r.TenantID, FirstIndex: r.FirstIndex, Entries: r.Entries,
		TreeSize: r.TreeSize, SignedBy: r.SignedBy, KnownCheckpoints: r.KnownCheckpoints, Dropped: r.Dropped,
		StoredCheckpoints: r.StoredCheckpoints, CommittedHeads: r.CommittedHeads, Receipts: r.Receipts, Unsigned: r.Unsigned,
		UniqueIDs: r.UniqueIDs, WitnessedBy: r.WitnessedBy, Findings: []findingJSON{},
	}
	for _, f := range r.Findings {
		j.Findings = append(j.Findings, findingJSON{Finding: f, Certain: f.Certain()})
	}
	if r.TreeSize > 0 {
		j.RootHash = hex.EncodeToString(r.RootHash[:])
	}
	if !r.First.IsZero() {
		j.FirstRecorded, j.LastRecorded = &r.First, &r.Last
	}
	return j
}
