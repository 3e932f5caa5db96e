package server

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
	"github.com/aumos-enterprise/platform/governance/internal/posture"
)

// PostureOutput says how WritePosture looks and writes.
type PostureOutput struct {
	// Deep compares every stored checkpoint with the logs rather than the newest of each log.
	Deep bool
	// JSON writes one JSON object instead of lines for people.
	JSON bool
}

// WritePosture checks everything that is to prevent changes of the Audit Wall and writes each check with what is wrong and what to do about it, and the
// digest of it all. It returns an error when a required one fails, for which the service would refuse to start.
func WritePosture(ctx context.Context, cfg Config, out PostureOutput, w io.Writer) error {
	if err := errors.Join(cfg.missingDatabases()...); err != nil {
		return err
	}
	db, err := openDatabases(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.close()
	r, err := lookAtPosture(ctx, cfg, db, out.Deep)
	if err != nil {
		return err
	}
	write := writePostureText
	if out.JSON {
		write = writePostureJSON
	}
	if err := write(w, r); err != nil {
		return fmt.Errorf("write posture: %w", err)
	}
	if failed := r.Count(posture.VerdictFailed); failed > 0 {
		return fmt.Errorf("%d of %d checks failed: the audit wall's database is not fit to hold it", failed, len(r.Checks))
	}
	return nil
}

func writePostureText(w io.Writer, r posture.Report) error {
	var text strings.Builder
	for _, c := range r.Checks {
		verdict := string(c.Verdict())
		if c.Verdict() == posture.VerdictFailed {
			verdict = "FAILED"
		}
		fmt.Fprintf(&text, "%-8s %s\n", verdict, c.Name)
		if c.OK {
			continue
		}
		for _, problem := range c.Problems {
			fmt.Fprintf(&text, "           %s\n", problem)
		}
		fmt.Fprintf(&text, "           remedy: %s\n", c.Remedy)
	}
	sum := r.SHA256()
	fmt.Fprintf(&text, "posture  sha256:%x\n", sum)
	_, err := io.WriteString(w, text.String())
	return err
}

// postureJSON is the posture as `governance wall posture -o json` writes it.
type postureJSON struct {
	CheckTime time.Time          `json:"check_time"`
	SHA256    string             `json:"sha256"`
	Checks    []postureCheckJSON `json:"checks"`
}

type postureCheckJSON struct {
	Name     string   `json:"name"`
	Verdict  string   `json:"verdict"`
	Required bool     `json:"required"`
	Problems []string `json:"problems"`
	Remedy   string   `json:"remedy"`
}

func writePostureJSON(w io.Writer, r posture.Report) error {
	sum := r.SHA256()
	p := postureJSON{CheckTime: r.CheckTime, SHA256: hex.EncodeToString(sum[:]), Checks: make([]postureCheckJSON, len(r.Checks))}
	for i, c := range r.Checks {
		p.Checks[i] = postureCheckJSON{
			Name: c.Name, Verdict: string(c.Verdict()), Required: c.Required, Problems: append([]string{}, c.Problems...), Remedy: c.Remedy,
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(p)
}

// checkPosture refuses a database that is not fit to hold the wall, and reports what weakens it otherwise.
func checkPosture(ctx context.Context, cfg Config, db databases, log *slog.Logger) (posture.Report, error) {
	r, err := lookAtPosture(ctx, cfg, db, false)
	if err != nil {
		return r, err
	}
	for _, c := range r.Checks {
		if c.Verdict() == posture.VerdictWarning {
			log.LogAttrs(ctx, slog.LevelWarn, "the audit wall lacks a layer of protection", slog.String("check", c.Name),
				slog.String("problems", strings.Join(c.Problems, "; ")), slog.String("remedy", c.Remedy))
		}
	}
	return r, posture.Refusal(r.Checks)
}

// watchPosture goes on checking while the service runs.
func watchPosture(cfg Config, db databases, wall *audit.Wall, start posture.Report, log *slog.Logger) *posture.Watch {
	look := func(ctx context.Context) ([]posture.Check, error) {
		r, err := lookAtPosture(ctx, cfg, db, false)
		return r.Checks, err
	}
	return posture.NewWatch(wall, start, cfg.Audit.WithDefaults().PostureInterval, look, log)
}

func lookAtPosture(ctx context.Context, cfg Config, db databases, deep bool) (posture.Report, error) {
	checks, err := posture.Look(ctx, db.wall, posture.Options{
		Primary: db.primary, Deployment: cfg.Deployment, Logs: &cfg.Audit.Config, Deep: deep,
	})
	if err != nil {
		return posture.Report{}, fmt.Errorf("check the audit wall: %w", err)
	}
	return posture.Report{Checks: checks, CheckTime: time.Now().UTC()}, nil
}
