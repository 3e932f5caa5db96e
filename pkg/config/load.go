// Package config reads a service's settings from environment variables into one struct, and describes them. What a setting may be is decided by
// the package that owns the struct; which settings production refuses is decided by each service's Validate.
//
// A setting is an exported field with the tags env (its key), envDefault and help. A nested struct is a level: its envPrefix ends in two
// underscores, as in AUMOS_DRIFT_KAFKA__SECURITY_PROTOCOL. A field of type Secret with key K is also read from the file that K_FILE names.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Load reads the settings of the struct that cfg points to from environ (as of os.Environ). Values already in the struct are defaults for fields
// without an envDefault tag. Every problem is reported, not only the first: values that do not parse, required keys that are missing or empty,
// a secret given twice, and keys that start with the prefix but are no setting.
func Load(prefix string, cfg any, environ []string) error {
	fields, err := fieldsOf(prefix, cfg)
	if err != nil {
		return err
	}
	vars := env.ToMap(environ)
	problems := readSecretFiles(fields, vars)
	known := make(map[string]bool, len(fields))
	for _, f := range fields {
		known[f.key] = true
		if err := parse(f, vars); err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, unknownKeys(prefix, fields, known, vars)...)
	return errors.Join(problems...)
}

// parse sets one field. It goes through a struct of that field alone, so that an error can be told by its key.
func parse(f field, vars map[string]string) error {
	if f.required && vars[f.key] == "" {
		return fmt.Errorf("%s is required: set it to %s", f.key, f.meaning())
	}
	one := f.tag
	one.Anonymous = false
	one.Index = nil
	one.Offset = 0
	holder := reflect.New(reflect.StructOf([]reflect.StructField{one}))
	holder.Elem().Field(0).Set(f.value)
	err := env.ParseWithOptions(holder.Interface(), env.Options{Environment: vars, Prefix: f.prefix})
	var aggregate env.AggregateError
	if errors.As(err, &aggregate) && len(aggregate.Errors) > 0 {
		err = aggregate.Errors[0]
	}
	var bad env.ParseError
	switch {
	case err == nil:
		f.value.Set(holder.Elem().Field(0))
		return nil
	case errors.As(err, &bad):
		return fmt.Errorf("%s: %w: set it to %s (%s)", f.key, bad.Err, f.meaning(), f.value.Type())
	default:
		return fmt.Errorf("%s: %w", f.key, err)
	}
}

func (f field) meaning() string {
	if f.help == "" {
		return "a value"
	}
	return strings.ToLower(f.help[:1]) + strings.TrimSuffix(f.help[1:], ".")
}
