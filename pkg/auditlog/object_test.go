package auditlog_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
	"github.com/aumos-enterprise/platform/pkg/errs"
)

// made is a value that a fuzzer's bytes stand for. depth counts the objects around it.
func made(next func() byte, depth int) any {
	switch kind := next() % 8; {
	case kind == 0 && depth < 4:
		list := make([]any, next()%4)
		for i := range list {
			list[i] = madeObject(next, depth+1)
		}
		return list
	case kind == 1:
		return uuid.UUID(bytes.Repeat([]byte{next()}, 16))
	case kind == 2:
		return bytes.Repeat([]byte{next()}, int(next()))
	case kind == 3:
		return math.Float64frombits(uint64(next())<<56 | uint64(next())<<48)
	case kind == 4:
		return next()%2 == 0
	case kind == 5:
		return []any{nil, "x", map[string]any{"y": 1.0}}
	}
	return strings.Repeat(string([]byte{next()}), int(next())*3)
}

func madeObject(next func() byte, depth int) map[string]any {
	object := make(map[string]any)
	for range next() % 5 {
		object[strings.Repeat(string([]byte{next()}), int(next()%3))] = made(next, depth)
	}
	return object
}

// write writes the object field by field.
func write(o *auditlog.Object, object map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch v := object[key].(type) {
		case uuid.UUID:
			o.ID(key, v)
		case []byte:
			o.Hex(key, v)
		case float64:
			o.Number(key, v)
		case bool:
			o.Truth(key, v)
		case string:
			o.Text(key, v)
		case []any:
			if objects, ok := allObjects(v); ok {
				o.Objects(key, len(v), func(i int, o *auditlog.Object) { write(o, objects[i]) })
				continue
			}
			o.Value(key, v)
		}
	}
}

func allObjects(list []any) (objects []map[string]any, all bool) {
	for _, each := range list {
		object, ok := each.(map[string]any)
		if !ok {
			return nil, false
		}
		objects = append(objects, object)
	}
	return objects, true
}

// plain is the object as Details have it.
func plain(v any) any {
	switch v := v.(type) {
	case uuid.UUID:
		return v.String()
	case []byte:
		return hex.EncodeToString(v)
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plain(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, each := range v {
			object[key] = plain(each)
		}
		return object
	}
	return v
}

// FuzzObject compares what writes itself with the map of the same fields: the leaf is the same, and what is refused.
func FuzzObject(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{4, 'a', 1, 1, 7, 'b', 2, 2, 0xff, 200, 'c', 1, 3, 0x3f, 0xf0, 'd', 1, 4, 0})
	f.Add([]byte{2, 'r', 1, 0, 3, 2, 'a', 1, 7, 'x', 60, 'b', 1, 4, 1, 1, 'z', 0, 5, 0, 's', 1, 0, 0})
	f.Add([]byte{1, 'n', 1, 3, 0x7f, 0xf8})
	f.Add([]byte{1, 'u', 1, 7, 0xff, 1})
	f.Fuzz(func(t *testing.T, source []byte) {
		object := madeObject(func() byte {
			if len(source) == 0 {
				return 0
			}
			b := source[0]
			source = source[1:]
			return b
		}, 0)
		e := testEntry(1)
		e.Details, _ = plain(object).(map[string]any)
		want, wantErr := e.Marshal()
		e.Details, e.Describe = nil, func(o *auditlog.Object) { write(o, object) }
		got, err := e.Marshal()
		if !bytes.Equal(got, want) || errs.ReasonOf(err) != errs.ReasonOf(wantErr) || (err == nil) != (wantErr == nil) {
			t.Errorf("%v: got %x, %v, want %x, %v", object, got, err, want, wantErr)
		}
	})
}

func TestObjectRefuses(t *testing.T) {
	t.Parallel()
	var deep func(levels int) func(*auditlog.Object)
	deep = func(levels int) func(*auditlog.Object) {
		return func(o *auditlog.Object) {
			if levels > 0 {
				o.Objects("x", 1, func(_ int, o *auditlog.Object) { deep(levels - 1)(o) })
			}
		}
	}
	for name, tt := range map[string]struct {
		write func(o *auditlog.Object)
		says  string
	}{
		"order":  {func(o *auditlog.Object) { o.Truth("b", true); o.Truth("a", true) }, "a: "},
		"twice":  {func(o *auditlog.Object) { o.Text("", "x"); o.Text("", "x") }, "after"},
		"key":    {func(o *auditlog.Object) { o.Number("\xff", 1) }, "UTF-8"},
		"text":   {func(o *auditlog.Object) { o.Text("x", "\xff") }, "x: "},
		"number": {func(o *auditlog.Object) { o.Number("x", math.Inf(1)) }, "x: "},
		"within": {func(o *auditlog.Object) {
			o.Objects("list", 2, func(i int, o *auditlog.Object) { o.Text("x", strings.Repeat("\xff", i)) })
		}, "list: [1]: x: "},
		"deep":  {deep(32), "levels"},
		"value": {func(o *auditlog.Object) { o.Value("x", func() {}) }, "x: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := testEntry(1)
			e.Describe = tt.write
			_, err := auditlog.NewDraft(e)
			bad, ok := errors.AsType[*errs.Error](err)
			if !ok || len(bad.Violations) != 1 || bad.Violations[0].Field != "details" || !strings.Contains(bad.Violations[0].Description, tt.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	e := testEntry(1)
	e.Describe = deep(31)
	if _, err := auditlog.NewDraft(e); err != nil {
		t.Errorf("the deepest: %v", err)
	}
}
