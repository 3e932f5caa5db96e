package api_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/governance/internal/decision"
	"github.com/aumos-enterprise/platform/governance/internal/durabletest"
	"github.com/aumos-enterprise/platform/governance/internal/rego"
	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/postgrestest"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

const (
	manyTenants   = 10_000
	policiesEach  = 10
	coldAlone     = 300   // questions by one caller, for the latency
	coldQuestions = 4_000 // more versions than memory has room for
	coldCallers   = 8
	memoryAllowed = 2 << 30
	coldMayTake   = 50 * time.Millisecond
	bytesPerMebi  = 1 << 20
)

// BenchmarkTenants asks policies of ten thousand tenants that have ten each, every one for the first time: each is read, compiled and evaluated, and the
// decision durable, before the answer. It prints how long that takes, and what the process takes once memory has room for no more versions.
func BenchmarkTenants(b *testing.B) {
	databases := durabletest.Start(b)
	r := (&platform{
		t: b, governance: postgrestest.GovernanceDB{App: databases.Primary},
		audit: postgrestest.AuditDB{Writer: databases.Writer, Reader: databases.Reader},
	}).replica(rego.Config{})
	policies := samplePolicies(b, r)
	multiply(b, databases)
	in, err := rego.NewInput(askPoint("", sampleInput()).GetInput().AsMap())
	if err != nil {
		b.Fatal(err)
	}
	// ask puts the n-th question: no two of them are of the same tenant and policy.
	ask := func(n int) time.Duration {
		ctx := tenant.NewContext(b.Context(), tenantNumber(n%manyTenants))
		started := time.Now()
		d, err := r.decider.Evaluate(ctx, decision.Question{
			Policy: policies[n/manyTenants%policiesEach], Input: in, Actor: auditlog.Actor{Kind: auditlog.ActorUser, ID: "bench"},
		})
		if err != nil || d.Outcome != rego.Allow {
			b.Errorf("got %v, %v", d.Outcome, err)
		}
		return time.Since(started)
	}
	for range b.N {
		alone := make([]time.Duration, coldAlone)
		for n := range alone {
			alone[n] = ask(n)
		}
		var callers sync.WaitGroup
		for first := range coldCallers {
			callers.Go(func() {
				for n := coldAlone + first; n < coldQuestions && !b.Failed(); n += coldCallers {
					ask(n)
				}
			})
		}
		callers.Wait()
		slices.Sort(alone)
		b.ReportMetric(milliseconds(alone[coldAlone/2]), "cold-p50-ms")
		b.ReportMetric(milliseconds(alone[coldAlone*99/100]), "cold-p99-ms")
		if p99 := alone[coldAlone*99/100]; p99 > coldMayTake {
			b.Logf("a cold version answers in %v (99 of 100), over %v: is the machine busy?", p99, coldMayTake)
		}
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapAlloc)/bytesPerMebi, "heap-MiB")
	peak := peakMemory(b)
	b.ReportMetric(float64(peak)/bytesPerMebi, "peak-MiB")
	if peak > memoryAllowed {
		b.Errorf("the process took %d MiB, allowed are %d", peak/bytesPerMebi, memoryAllowed/bytesPerMebi)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// samplePolicies makes the first tenant's policies and returns their ids, which are everybody's.
func samplePolicies(b *testing.B, r *replica) []uuid.UUID {
	b.Helper()
	c := r.admin(tenantNumber(0))
	ids := make([]uuid.UUID, policiesEach)
	for i := range ids {
		p := c.policy(fmt.Sprintf("retrain-%d", i), fmt.Sprintf("drift.retrain%d", i))
		c.activate(c.sample(p.GetId()))
		ids[i] = uuid.MustParse(p.GetId())
	}
	return ids
}

// multiply gives all other tenants what the first one has. Keys hold in themselves what they refer to, so they are not checked row by row.
func multiply(b *testing.B, databases durabletest.Databases) {
	b.Helper()
	exec := func(sql string, args ...any) {
		b.Helper()
		if _, err := databases.PrimaryAdmin.Exec(context.WithoutCancel(b.Context()), sql, args...); err != nil {
			b.Fatal(err)
		}
	}
	exec(`SET session_replication_role = replica`)
	for _, table := range []string{"gov_policies", "gov_policy_decision_points", "gov_policy_versions", "gov_policy_modules", "gov_policy_test_runs"} {
		var list string
		err := databases.PrimaryAdmin.QueryRow(b.Context(), `
			SELECT string_agg(quote_ident(attname), ', ')
			FROM pg_attribute
			WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attname <> 'tenant_id'`, table).Scan(&list)
		if err != nil {
			b.Fatal(err)
		}
		exec(`INSERT INTO `+table+` (tenant_id, `+list+`)
			SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, `+list+`
			FROM `+table+`, generate_series(2, $1) AS n
			WHERE tenant_id = $2`, manyTenants, uuid.UUID(tenantNumber(0)))
	}
	exec(`ANALYZE`)
}

// tenantNumber is one of many.
func tenantNumber(n int) tenant.ID {
	return tenant.ID(uuid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-%012x", n+1)))
}

// peakMemory is the most that the process has had in memory.
func peakMemory(b *testing.B) int64 {
	b.Helper()
	file, err := os.Open("/proc/self/status")
	if err != nil {
		b.Skip("what the process takes in memory is only known on Linux")
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			var kib int64
			if _, err := fmt.Sscan(text, &kib); err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("/proc/self/status does not tell the peak")
	return 0
}
