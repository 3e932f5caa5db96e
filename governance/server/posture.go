package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/aumos-enterprise/platform/governance/internal/audit"
)

// WritePosture checks everything that is to prevent changes of the Audit Wall and writes each check with what is wrong and what to do about it. It
// returns an error when a required one fails, for which the service would refuse to start.
func WritePosture(ctx context.Context, cfg Config, w io.Writer) error {
	if err := errors.Join(cfg.missingDatabases()...); err != nil {
		return err
	}
	db, err := openDatabases(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.close()
	checks, err := posture(ctx, cfg, db)
	if err != nil {
		return err
	}
	failed := 0
	for _, c := range checks {
		verdict := "ok"
		switch {
		case !c.OK && c.Required:
			verdict = "FAILED"
			failed++
		case !c.OK:
			verdict = "warning"
		}
		if _, err := fmt.Fprintf(w, "%-8s %s\n", verdict, c.Name); err != nil {
			return fmt.Errorf("write posture: %w", err)
		}
		if c.OK {
			continue
		}
		for _, problem := range c.Problems {
			fmt.Fprintf(w, "           %s\n", problem)
		}
		fmt.Fprintf(w, "           remedy: %s\n", c.Remedy)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed: the audit wall's database is not fit to hold it", failed, len(checks))
	}
	return nil
}

// checkPosture refuses a database that is not fit to hold the wall, and reports what weakens it otherwise.
func checkPosture(ctx context.Context, cfg Config, db databases, log *slog.Logger) error {
	checks, err := posture(ctx, cfg, db)
	if err != nil {
		return err
	}
	for _, c := range checks {
		if !c.OK && !c.Required {
			log.LogAttrs(ctx, slog.LevelWarn, "the audit wall lacks a layer of protection", slog.String("check", c.Name),
				slog.String("problems", strings.Join(c.Problems, "; ")), slog.String("remedy", c.Remedy))
		}
	}
	return audit.Refusal(checks)
}

func posture(ctx context.Context, cfg Config, db databases) ([]audit.Check, error) {
	checks, err := audit.Posture(ctx, db.wall, audit.PostureOptions{Primary: db.primary, Deployment: cfg.Deployment})
	if err != nil {
		return nil, fmt.Errorf("check the audit wall: %w", err)
	}
	return checks, nil
}
