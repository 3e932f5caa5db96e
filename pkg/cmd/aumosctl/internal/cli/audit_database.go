package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/walldb"
	"github.com/aumos-enterprise/platform/pkg/tenant"
)

// verifyDatabase verifies logs where they are kept.
func (a *app) verifyDatabase(ctx context.Context, o verifyOptions, options auditlog.Options) error {
	if (a.tenant == "") == !o.all {
		return errors.New("with --database say whose log: --tenant UUID, or --all")
	}
	var id tenant.ID
	if a.tenant != "" {
		var err error
		if id, err = tenant.Parse(a.tenant); err != nil {
			return fmt.Errorf("--tenant %q is no UUID", a.tenant)
		}
		if options.Policy != nil && id != auditlog.PlatformTenant {
			return errors.New("witnesses see the platform's log: with --database, --policy needs --all")
		}
	}
	vkeys, err := readVKeys(o.keys)
	if err != nil {
		return err
	}
	snapshot, err := walldb.Open(ctx, o.database)
	if err != nil {
		return err
	}
	defer func() { _ = snapshot.Close() }() // was only read
	bar := output.NewCountBar(a.stderr, "verifying the database", "entries")
	defer bar.Done()
	if !o.all {
		options.Progress = func(n int64) { bar.Set(n, n) }
		report, err := snapshot.Verify(ctx, walldb.Log{TenantID: id}, options)
		if err != nil {
			return err
		}
		return a.reportVerifications(options.Keys, []verification{{name: "the log of " + id.String() + " in the database", report: report}}, nil)
	}
	done, err := verifyAll(ctx, snapshot, vkeys, options, bar)
	return a.reportVerifications(options.Keys, done, err)
}

// verifyAll verifies the platform's log, every log that it commits to, and every other of which the auditor has kept a checkpoint.
func verifyAll(ctx context.Context, snapshot *walldb.Snapshot, vkeys []string, options auditlog.Options, bar *output.Bar) ([]verification, error) {
	if options.Policy != nil {
		for _, log := range options.Policy.Logs {
			vkeys = append(vkeys, log.VKey)
		}
	}
	prefix, platform, err := platformKeys(vkeys)
	if err != nil {
		return nil, err
	}
	several := options.KnownOthers // files in which checkpoints of other logs are to be expected
	total := int64(0)
	options.Progress = func(n int64) { bar.Set(total+n, total+n) }
	options.KnownOthers = true
	origin := auditlog.Origin(prefix, auditlog.PlatformTenant)
	report, err := snapshot.Verify(ctx, walldb.Log{Origin: origin, TenantID: auditlog.PlatformTenant}, withKnown(options, origin))
	if err != nil {
		return nil, err
	}
	done := []verification{{name: "the platform's log in the database", report: report}}
	options.Policy = nil // it was demanded of the platform's log, which commits to the others
	verified := map[string]bool{origin: true}
	each := func(id tenant.ID) error {
		origin := auditlog.Origin(prefix, id)
		derived := make([]string, len(platform))
		for i, vkey := range platform {
			var err error
			if derived[i], err = auditlog.KeyOfLog(vkey, origin); err != nil {
				return err
			}
		}
		keys, err := auditlog.ParseKeys(append(derived, vkeys...)...)
		if err != nil {
			return err
		}
		mine := withKnown(options, origin)
		mine.Keys = keys
		total += report.Entries
		if report, err = snapshot.Verify(ctx, walldb.Log{Origin: origin, TenantID: id, Committed: true}, mine); err != nil {
			return err
		}
		verified[origin] = true
		done = append(done, verification{name: "the log of " + id.String() + " in the database", report: report})
		return nil
	}
	if err := snapshot.Logs(ctx, each); err != nil {
		return done, err
	}
	for _, signed := range options.Known {
		origin, _, _ := strings.Cut(signed, "\n")
		if verified[origin] {
			continue
		}
		verified[origin] = true
		p, id, err := auditlog.ParseOrigin(origin)
		switch {
		case err == nil && p == prefix:
			if err := each(id); err != nil { // nobody has committed to it, or nobody says so
				return done, err
			}
		case !several:
			done = append(done, verification{
				name: "a known checkpoint", report: auditlog.Refuse(auditlog.ReasonOtherLog, "it is of %q, which is no log of %s", origin, prefix),
			})
		}
	}
	return done, nil
}

// platformKeys picks the keys of the platform's log. They must be of one platform: all logs' keys are derived from them.
func platformKeys(vkeys []string) (prefix string, platform []string, err error) {
	for _, vkey := range vkeys {
		name, _, _ := strings.Cut(vkey, "+")
		p, id, err := auditlog.ParseOrigin(name)
		switch {
		case err != nil || id != auditlog.PlatformTenant:
		case len(platform) > 0 && p != prefix:
			return "", nil, fmt.Errorf("--all takes the keys of one platform, and these are of %s and %s", prefix, p)
		default:
			prefix, platform = p, append(platform, vkey)
		}
	}
	if len(platform) == 0 {
		return "", nil, errors.New("--all takes the key of the platform's log: keep it with aumosctl audit keys --platform --out platform.vkey")
	}
	return prefix, platform, nil
}

// withKnown leaves the known checkpoints of other logs out: with several logs, none of one is no doubt.
func withKnown(options auditlog.Options, origin string) auditlog.Options {
	var known []string
	for _, signed := range options.Known {
		if name, _, _ := strings.Cut(signed, "\n"); name == origin {
			known = append(known, signed)
		}
	}
	options.Known = known
	return options
}
