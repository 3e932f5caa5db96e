package auditlog_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// TestVerifyFindsChanges alters a log or its export in every way that an attacker of the database or the file has, and expects the reason and
// the index.
func TestVerifyFindsChanges(t *testing.T) {
	t.Parallel()
	const n = 20
	origin := auditlog.Origin(testPrefix, testTenant)
	base := newLog(t, n)
	earlier := newLog(t, 9).checkpoint(1)
	flip := func(l *memoryLog, i int) { l.rows[i].leaf[len(l.rows[i].leaf)-1] ^= 1 }
	rewrite := func(l *memoryLog, i int, change func(*auditlog.Entry)) { // the entry says something else, in a valid form
		e, err := auditlog.Unmarshal(l.rows[i].leaf)
		if err != nil {
			t.Fatal(err)
		}
		change(&e)
		if l.rows[i].leaf, err = e.Marshal(); err != nil {
			t.Fatal(err)
		}
	}
	deny := func(e *auditlog.Entry) { e.Outcome = auditlog.Denied }
	rehashRow := func(l *memoryLog, i int) { // the row alone becomes consistent
		h := auditlog.LeafHash(l.rows[i].leaf)
		l.rows[i].hashes[0] = h
		for level := 1; level < len(l.rows[i].hashes); level++ {
			left := l.rows[i-1<<(level-1)].hashes[level-1]
			h = tlog.NodeHash(left, h)
			l.rows[i].hashes[level] = h
		}
	}
	for name, tc := range map[string]struct {
		change func(l *memoryLog)                    // what the attacker does to the database
		sign   func(l *memoryLog) string             // the checkpoint of the export; nil: the true one from before
		file   func([]byte) []byte                   // what the attacker does to the file
		opts   func(*auditlog.Options)               // what the auditor brings besides the key
		header func(h *auditlog.ExportHeader)        // changes to the header
		want   []string                              // the findings as "REASON first last"
		is     auditlog.Verdict                      // Tampered if zero
		check  func(t *testing.T, r auditlog.Report) // more expectations
	}{
		"payload byte flipped": {change: func(l *memoryLog) { flip(l, 6) }, want: []string{"LEAF_HASH 6 6"}},
		"entry rewritten":      {change: func(l *memoryLog) { rewrite(l, 6, deny) }, want: []string{"LEAF_HASH 6 6"}},
		"last entry rewritten": {change: func(l *memoryLog) { rewrite(l, n-1, deny) }, want: []string{"LEAF_HASH 19 19"}},
		"two entries rewritten": {
			change: func(l *memoryLog) { rewrite(l, 3, deny); rewrite(l, 12, deny) }, want: []string{"LEAF_HASH 3 3", "LEAF_HASH 12 12"},
		},
		"leaf hash edited": {change: func(l *memoryLog) { l.rows[6].hashes[0][0] ^= 1 }, want: []string{"LEAF_HASH 6 6"}},
		"leaf hash edited to match an edited entry": {
			change: func(l *memoryLog) { rewrite(l, 6, deny); rehashRow(l, 6) }, want: []string{"NODE_HASH 6 7"},
		},
		"all of a row's hashes edited to match": {
			change: func(l *memoryLog) { rewrite(l, 7, deny); rehashRow(l, 7) }, want: []string{"NODE_HASH 0 15"},
		},
		"the last row edited consistently": {
			change: func(l *memoryLog) { rewrite(l, n-1, deny); rehashRow(l, n-1) }, want: []string{"ROOT_HASH 0 19"},
		},
		"the same, with a checkpoint known from before": {
			change: func(l *memoryLog) { rewrite(l, n-1, deny); rehashRow(l, n-1) },
			opts:   func(o *auditlog.Options) { o.Known = []string{earlier} }, want: []string{"ROOT_HASH 9 19"},
		},
		"inner node edited":   {change: func(l *memoryLog) { l.rows[7].hashes[2][0] ^= 1 }, want: []string{"NODE_HASH 4 7"}},
		"inner node missing":  {change: func(l *memoryLog) { l.rows[7].hashes = l.rows[7].hashes[:3] }, want: []string{"NODE_HASH 7 7"}},
		"more nodes":          {change: func(l *memoryLog) { l.rows[6].hashes = append(l.rows[6].hashes, tlog.Hash{}) }, want: []string{"NODE_HASH 6 6"}},
		"no stored hashes":    {change: func(l *memoryLog) { l.rows[6].hashes = nil }, want: []string{"LEAF_HASH 6 6"}},
		"row deleted":         {change: func(l *memoryLog) { l.rows = append(l.rows[:6], l.rows[7:]...) }, want: []string{"MISSING_ENTRIES 6 6"}},
		"first row deleted":   {change: func(l *memoryLog) { l.rows = l.rows[1:] }, want: []string{"MISSING_ENTRIES 0 0"}},
		"three rows deleted":  {change: func(l *memoryLog) { l.rows = append(l.rows[:6], l.rows[9:]...) }, want: []string{"MISSING_ENTRIES 6 8"}},
		"tail cut off":        {change: func(l *memoryLog) { l.rows = l.rows[:15] }, want: []string{"MISSING_ENTRIES 15 19"}},
		"everything cut off":  {change: func(l *memoryLog) { l.rows = nil }, want: []string{"MISSING_ENTRIES 0 19"}},
		"row inserted twice":  {change: func(l *memoryLog) { l.rows = append(l.rows[:7], l.rows[6:]...) }, want: []string{"OUT_OF_ORDER 6 6", "DUPLICATE_ENTRY_ID 6 6"}},
		"rows in other order": {change: func(l *memoryLog) { l.rows[6], l.rows[7] = l.rows[7], l.rows[6] }, want: []string{"MISSING_ENTRIES 6 6", "OUT_OF_ORDER 6 6"}},
		"row deleted and the rest moved up": {
			change: func(l *memoryLog) {
				l.rows = append(l.rows[:17], l.rows[18:]...)
				for i := range l.rows {
					l.rows[i].index = int64(i)
				}
			},
			want: []string{"NODE_HASH 17 17", "LEAF_POSITION 17 17", "NODE_HASH 18 18", "LEAF_POSITION 18 18", "MISSING_ENTRIES 19 19"},
		},
		"two entries swapped": {
			change: func(l *memoryLog) { l.rows[6].leaf, l.rows[7].leaf = l.rows[7].leaf, l.rows[6].leaf },
			want:   []string{"LEAF_HASH 6 6", "LEAF_POSITION 6 6", "LEAF_HASH 7 7", "LEAF_POSITION 7 7", "TIME_BACKWARDS 7 7"},
		},
		"entry of another tenant moved in, hashes and all": {
			change: func(l *memoryLog) {
				rewrite(l, 6, func(e *auditlog.Entry) {
					e.TenantID = tenant.ID(uuid.MustParse("0190a000-0000-7000-8000-00000000000b"))
				})
				l.rehash()
			},
			sign: func(l *memoryLog) string { return l.checkpoint(1) }, want: []string{"LEAF_TENANT 6 6"},
		},
		"not an entry": {
			change: func(l *memoryLog) { l.rows[6].leaf = []byte("hello"); l.rehash() },
			sign:   func(l *memoryLog) string { return l.checkpoint(1) }, want: []string{"LEAF_FORMAT 6 6"},
		},
		"an entry of a newer format": {
			change: func(l *memoryLog) { l.rows[6].leaf[1] = 2; l.rehash() },
			sign:   func(l *memoryLog) string { return l.checkpoint(1) }, want: []string{"UNKNOWN_FORMAT 6 6"}, is: auditlog.CannotVerify,
		},
		"entry id used twice": {
			change: func(l *memoryLog) { rewrite(l, 6, func(e *auditlog.Entry) { e.EntryID = entryID(2) }); l.rehash() },
			sign:   func(l *memoryLog) string { return l.checkpoint(1) }, want: []string{"DUPLICATE_ENTRY_ID 6 6"},
		},
		"back-dated": {
			change: func(l *memoryLog) {
				rewrite(l, 6, func(e *auditlog.Entry) { e.RecordedTime = testTime.Add(-time.Hour) })
				l.rehash()
			},
			sign: func(l *memoryLog) string { return l.checkpoint(1) }, want: []string{"TIME_BACKWARDS 6 6"},
		},
		"back-dated within tolerance": {
			change: func(l *memoryLog) {
				rewrite(l, 6, func(e *auditlog.Entry) { e.RecordedTime = testTime.Add(-time.Hour) })
				l.rehash()
			},
			opts: func(o *auditlog.Options) { o.TimeTolerance = 2 * time.Hour },
			sign: func(l *memoryLog) string { return l.checkpoint(1) }, is: auditlog.Verified,
		},
		"search columns edited": {change: func(l *memoryLog) { l.rows[6].mismatched = []string{"actor_id"} }, want: []string{"COLUMNS 6 6"}},
		"history rewritten consistently, signed with the log's key": {
			change: func(l *memoryLog) { rewrite(l, 6, deny); l.rehash() }, sign: func(l *memoryLog) string { return l.checkpoint(1) },
			opts: func(o *auditlog.Options) { o.Known = []string{earlier} }, want: []string{"CHECKPOINT_CONFLICT 0 8"},
		},
		"the same, after another known checkpoint": {
			change: func(l *memoryLog) { rewrite(l, 6, deny); l.rehash() }, sign: func(l *memoryLog) string { return l.checkpoint(1) },
			opts: func(o *auditlog.Options) { o.Known = []string{earlier, newLog(t, 4).checkpoint(1)} },
			want: []string{"CHECKPOINT_CONFLICT 4 8"},
			check: func(t *testing.T, r auditlog.Report) {
				t.Helper()
				if r.KnownCheckpoints != 1 {
					t.Errorf("%d known checkpoints fit, want 1", r.KnownCheckpoints)
				}
			},
		},
		"the same, without a trusted key": {
			change: func(l *memoryLog) { rewrite(l, 6, deny); l.rehash() }, sign: func(l *memoryLog) string { return l.checkpoint(1) },
			opts: func(o *auditlog.Options) { o.Keys, o.Known = auditlog.Keyring{}, []string{earlier} },
			want: []string{"NO_TRUSTED_KEY -1 -1", "CHECKPOINT_CONFLICT 0 8"},
		},
		"the same, with nothing known": { // what no export can show by itself: it takes a checkpoint from elsewhere
			change: func(l *memoryLog) { rewrite(l, 6, deny); l.rehash() }, sign: func(l *memoryLog) string { return l.checkpoint(1) },
			is: auditlog.Verified,
		},
		"history rewritten consistently, old checkpoint": {
			change: func(l *memoryLog) { rewrite(l, 6, deny); l.rehash() }, want: []string{"ROOT_HASH 0 19"},
		},
		"an older state, signed": {
			change: func(l *memoryLog) { *l = *newLog(t, 5) }, sign: func(l *memoryLog) string { return l.checkpoint(1) },
			opts: func(o *auditlog.Options) { o.Known = []string{earlier} }, want: []string{"CHECKPOINT_CONFLICT 5 8"},
		},
		"signed by another key": {
			sign: func(l *memoryLog) string { return l.checkpoint(2) }, want: []string{"UNKNOWN_KEY -1 -1"}, is: auditlog.CannotVerify,
		},
		"signature broken": {
			sign: func(*memoryLog) string { return strings.Replace(base.checkpoint(1), "\n20\n", "\n21\n", 1) },
			want: []string{"SIGNATURE -1 -1"},
		},
		"no key trusted": {
			opts: func(o *auditlog.Options) { o.Keys = auditlog.Keyring{} }, want: []string{"NO_TRUSTED_KEY -1 -1"}, is: auditlog.CannotVerify,
		},
		"no key trusted, and a change": {
			change: func(l *memoryLog) { flip(l, 6) }, opts: func(o *auditlog.Options) { o.Keys = auditlog.Keyring{} },
			want: []string{"LEAF_HASH 6 6", "NO_TRUSTED_KEY -1 -1"},
		},
		"known checkpoint signed by an unknown key": {
			opts: func(o *auditlog.Options) { o.Known = []string{newLog(t, 9).checkpoint(2)} },
			want: []string{"UNTRUSTED_KNOWN -1 -1"}, is: auditlog.CannotVerify,
		},
		"known checkpoint that is none": {opts: func(o *auditlog.Options) { o.Known = []string{"x"} }, want: []string{"MALFORMED -1 -1"}},
		"more entries than the checkpoint": {
			sign: func(*memoryLog) string { return newLog(t, 18).checkpoint(1) }, want: []string{"NOT_COVERED 18 19"}, is: auditlog.CannotVerify,
		},
		"checkpoint of another log": {
			sign: func(l *memoryLog) string {
				c := auditlog.Checkpoint{Origin: origin + "x", Size: n, Root: l.tree.Root()}
				signed, _, err := c.Sign(testKeys(t, 1)...)
				if err != nil {
					t.Fatal(err)
				}
				return signed
			},
			want: []string{"UNKNOWN_KEY -1 -1", "ORIGIN -1 -1"},
		},
		"header of another tenant": {
			header: func(h *auditlog.ExportHeader) { h.TenantID = "0190a000-0000-7000-8000-00000000000b" },
			check: func(t *testing.T, r auditlog.Report) {
				t.Helper()
				if len(r.Findings) != n+1 || r.Findings[n].Reason != auditlog.ReasonOrigin {
					t.Errorf("findings: %v", r.Findings)
				}
			},
		},
		"a header key that is none": {header: func(h *auditlog.ExportHeader) { h.Keys = []string{"x"} }, want: []string{"MALFORMED -1 -1"}},
		"file cut":                  {file: func(b []byte) []byte { return b[:bytes.LastIndex(b, []byte(`{"checkpoint"`))] }, want: []string{"NO_CHECKPOINT -1 -1"}, is: auditlog.CannotVerify},
		"nothing":                   {file: func([]byte) []byte { return nil }, want: []string{"UNKNOWN_FORMAT -1 -1"}, is: auditlog.CannotVerify},
		"another file":              {file: func([]byte) []byte { return []byte("a,b,c\n1,2,3\n") }, want: []string{"UNKNOWN_FORMAT -1 -1"}, is: auditlog.CannotVerify},
		"a line follows":            {file: func(b []byte) []byte { return append(b, "{}\n{}\n"...) }, want: []string{"MALFORMED -1 -1"}},
		"white space added": {
			file: func(b []byte) []byte {
				return bytes.Replace(b, []byte(`{"leaf_index":6,`), []byte(`{"leaf_index": 6,`), 1)
			},
			want: []string{"MALFORMED 6 6"},
		},
		"readable entry edited": {
			file: func(b []byte) []byte { return bytes.Replace(b, []byte(`"id":"p-6"`), []byte(`"id":"p-7"`), 1) },
			want: []string{"ENTRY_TEXT 6 6"},
		},
		"line too long": {
			file: func(b []byte) []byte {
				return bytes.Replace(b, []byte(`{"leaf_index":6,`), append([]byte(`{"leaf_index":6,`), bytes.Repeat([]byte(" "), 2<<20)...), 1)
			},
			want: []string{"MALFORMED 6 6", "NO_CHECKPOINT -1 -1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := base.clone()
			checkpoint := base.checkpoint(1)
			if tc.change != nil {
				tc.change(l)
			}
			if tc.sign != nil {
				checkpoint = tc.sign(l)
			}
			h := l.header()
			if tc.header != nil {
				tc.header(&h)
			}
			file := l.export(h, checkpoint)
			if tc.file != nil {
				file = tc.file(file)
			}
			opts := auditlog.Options{Keys: ring(t, 1, testTenant)}
			if tc.opts != nil {
				tc.opts(&opts)
			}
			if tc.is == 0 {
				tc.is = auditlog.Tampered
			}
			r := verify(t, file, opts)
			if r.Verdict != tc.is {
				t.Errorf("verdict %v, want %v", r.Verdict, tc.is)
			}
			var got []string
			for _, f := range r.Findings {
				got = append(got, fmt.Sprintf("%s %d %d", f.Reason, f.First, f.Last))
			}
			if tc.check != nil {
				tc.check(t, r)
			}
			if (tc.check == nil || tc.want != nil) && strings.Join(got, "; ") != strings.Join(tc.want, "; ") {
				t.Errorf("found %q, want %q\n%v", got, tc.want, r.Findings)
			}
		})
	}
}

// TestExportBitFlips changes every bit of an export, one at a time: none may verify.
func TestExportBitFlips(t *testing.T) {
	t.Parallel()
	l := &memoryLog{t: t}
	for i := range 2 {
		l.add(auditlog.Entry{
			EntryID: entryID(i), TenantID: testTenant, EventType: "a.b", Action: "a.b", Outcome: auditlog.Denied,
			Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "u"}, Resource: auditlog.Resource{Type: "r", ID: "1"}, SourceService: "s",
			Details: map[string]any{"n": 1.5, "t": "ü\n", "l": []any{nil, true}},
		}, testTime)
	}
	opts := auditlog.Options{Keys: ring(t, 1, testTenant)}
	file := l.export(l.header(), l.checkpoint(1))
	if verify(t, file, opts).Verdict != auditlog.Verified {
		t.Fatal("the unchanged export does not verify")
	}
	for i := len(file) - 1; i >= 0; i -= stride {
		for bit := range 8 {
			file[i] ^= 1 << bit
			if r := verify(t, file, opts); r.Verdict == auditlog.Verified {
				t.Errorf("verified with bit %d of byte %d changed: %q", bit, i, file[max(0, i-20):min(len(file), i+20)])
			}
			file[i] ^= 1 << bit
		}
	}
}
