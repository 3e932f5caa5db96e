package config

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"text/tabwriter"
)

// Key describes one setting.
type Key struct {
	Name     string
	Default  string // "" when there is none; secrets never show theirs
	Meaning  string
	Required bool
	Secret   bool // also readable from the file that Name_FILE names
}

// Describe lists the settings of the struct that cfg points to, in the order of declaration. Values already in the struct count as defaults, as
// they do for Load.
func Describe(prefix string, cfg any) ([]Key, error) {
	fields, err := fieldsOf(prefix, cfg)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, len(fields))
	for i, f := range fields {
		keys[i] = Key{Name: f.key, Default: f.text(), Meaning: f.help, Required: f.required, Secret: f.secret()}
		if f.secret() {
			keys[i].Default = Secret(f.text()).String()
		}
	}
	return keys, nil
}

// Print writes the keys as a table: the manual of a service's settings.
func Print(w io.Writer, keys []Key) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "KEY\tDEFAULT\tMEANING")
	for _, k := range keys {
		def, meaning := k.Default, k.Meaning
		if k.Required {
			def = "(required)"
		}
		if k.Secret {
			meaning += " (secret; or " + k.Name + fileSuffix + ", a file that holds it)"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", k.Name, def, meaning)
	}
	return tw.Flush()
}

// Undocumented names what is wrong with the tags of the struct that cfg points to: settings without a help text and levels whose prefix does not
// end in two underscores. A test of every service asserts that there is nothing.
func Undocumented(cfg any) ([]string, error) {
	fields, err := fieldsOf("", cfg)
	if err != nil {
		return nil, err
	}
	var wrong []string
	for _, f := range fields {
		if f.help == "" {
			wrong = append(wrong, f.key+" has no help tag")
		}
	}
	return append(wrong, badPrefixes("", reflect.ValueOf(cfg).Elem().Type())...), nil
}

func badPrefixes(path string, t reflect.Type) (wrong []string) {
	for sf := range t.Fields() {
		if !sf.IsExported() || sf.Type.Kind() != reflect.Struct || sf.Tag.Get("env") != "" {
			continue
		}
		if p := sf.Tag.Get("envPrefix"); p != "" && !strings.HasSuffix(p, "__") {
			wrong = append(wrong, path+sf.Name+`: envPrefix "`+p+`" does not end in "__"`)
		}
		wrong = append(wrong, badPrefixes(path+sf.Name+".", sf.Type)...)
	}
	return wrong
}
