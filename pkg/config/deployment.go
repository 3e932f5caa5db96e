package config

import (
	"fmt"
	"slices"
	"strings"
)

// Deployment says how strictly settings are judged. A service embeds it in its settings.
type Deployment struct {
	Production    bool     `env:"PRODUCTION" envDefault:"false" help:"Refuse insecure settings unless ALLOW_INSECURE names them."`
	AllowInsecure Insecure `env:"ALLOW_INSECURE" help:"Insecure settings allowed in production, by name, separated by commas."`
}

// Check returns an error in production when a setting that is on is not allowed by name.
func (d Deployment) Check(settings ...InsecureSetting) error {
	if !d.Production {
		return nil
	}
	return d.AllowInsecure.Check(settings...)
}

// Insecure lists the insecure settings that are allowed, by name.
type Insecure []string

// InsecureSetting is one way in which a deployment can be insecure.
type InsecureSetting struct {
	Name string // as it stands in ALLOW_INSECURE, for example "plaintext_grpc"
	On   bool
	Why  string // what makes it so and what it risks, for the operator
}

// Allowed reports whether the setting is allowed by name. There is no name that allows everything.
func (i Insecure) Allowed(name string) bool { return slices.Contains(i, name) }

// Check returns one error that lists every setting that is on and not allowed, and every allowed name that is no setting.
func (i Insecure) Check(settings ...InsecureSetting) error {
	var refused, names []string
	for _, s := range settings {
		names = append(names, s.Name)
		if s.On && !i.Allowed(s.Name) {
			refused = append(refused, s.Name+" ("+s.Why+")")
		}
	}
	var unknown []string
	for _, name := range i {
		if !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	}
	switch {
	case len(unknown) > 0:
		return fmt.Errorf("ALLOW_INSECURE names %s: the names are %s", strings.Join(unknown, ", "), strings.Join(names, ", "))
	case len(refused) > 0:
		return fmt.Errorf("production refuses insecure settings: %s: correct them, or allow each by name in ALLOW_INSECURE",
			strings.Join(refused, "; "))
	}
	return nil
}
