package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
)

// field is one setting: a struct field with an env tag.
type field struct {
	key      string
	help     string
	required bool
	prefix   string // of the key; the rest is in the tag
	tag      reflect.StructField
	value    reflect.Value
}

func (f field) secret() bool { return f.value.Type() == reflect.TypeFor[Secret]() }

// fieldsOf lists the settings of the struct that cfg points to, in the order of declaration. A field without an env tag is no setting; a struct
// without one is a level, whose envPrefix goes before the keys inside.
func fieldsOf(prefix string, cfg any) ([]field, error) {
	v := reflect.ValueOf(cfg)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("read settings into %T: want a pointer to a struct", cfg)
	}
	return appendFields(nil, prefix, v.Elem()), nil
}

func appendFields(fields []field, prefix string, v reflect.Value) []field {
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if !sf.IsExported() {
			continue
		}
		name, options, _ := strings.Cut(sf.Tag.Get("env"), ",")
		switch {
		case name != "" && name != "-":
			fields = append(fields, field{
				key: prefix + name, help: sf.Tag.Get("help"), prefix: prefix, tag: sf, value: v.Field(i),
				required: strings.Contains(","+options+",", ",required,"),
			})
		case name == "" && v.Field(i).Kind() == reflect.Struct:
			fields = appendFields(fields, prefix+sf.Tag.Get("envPrefix"), v.Field(i))
		}
	}
	return fields
}

// text is the field's default as one would write it in the environment: the envDefault tag, else the value that the struct was made with.
func (f field) text() string {
	if d, ok := f.tag.Tag.Lookup("envDefault"); ok {
		return d
	}
	if f.value.IsZero() {
		return ""
	}
	if m, ok := reflect.TypeAssert[encoding.TextMarshaler](f.value); ok {
		if b, err := m.MarshalText(); err == nil {
			return string(b)
		}
	}
	if f.value.Kind() == reflect.Slice {
		parts := make([]string, f.value.Len())
		for i := range parts {
			parts[i] = fmt.Sprint(f.value.Index(i).Interface())
		}
		return strings.Join(parts, ",")
	}
	return fmt.Sprint(f.value.Interface())
}
