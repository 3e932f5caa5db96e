package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
)

// printJSON prints one value in the JSON format that was asked for.
func (a *app) printJSON(value any) error {
	return output.JSON(a.stdout, value, a.format == formatJSONL)
}

// printMessage prints a message under a name, so that the result can be passed on as a policy's input.
func (a *app) printMessage(name string, m proto.Message, omit ...protoreflect.Name) error {
	tree, err := output.Tree(m, omit...)
	if err != nil {
		return err
	}
	return a.printJSON(map[string]any{name: tree})
}

// note tells people something that is no result.
func (a *app) note(format string, args ...any) {
	if a.format == formatTable {
		_, _ = fmt.Fprintln(a.stderr, output.Clean(fmt.Sprintf(format, args...)))
	}
}

// printList prints messages as the rows of a grid, as a JSON array, or each on a line of its own as soon as it is there.
func printList[M proto.Message](a *app, items iter.Seq2[M, error], grid *output.Grid, row func(M) []string) error {
	trees := []json.RawMessage{}
	for item, err := range items {
		if err != nil {
			return err
		}
		if a.format == formatTable {
			grid.Row(row(item)...)
			continue
		}
		tree, err := output.Tree(item)
		if err != nil {
			return err
		}
		if a.format == formatJSONL {
			if err := a.printJSON(tree); err != nil {
				return err
			}
			continue
		}
		trees = append(trees, tree)
	}
	switch a.format {
	case formatTable:
		return grid.Print(a.stdout, "")
	case formatJSON:
		return a.printJSON(trees)
	default:
		return nil
	}
}

var errNegativeLimit = errors.New("--limit must not be negative")

// pages goes through the items of a list rpc page by page, at most limit of them; 0 means all. A page is fetched when it is needed.
func pages[M any](limit int, fetch func(pageSize int32, pageToken string) ([]M, string, error)) iter.Seq2[M, error] {
	const pageSize = 500
	return func(yield func(M, error) bool) {
		if limit < 0 {
			var none M
			yield(none, errNegativeLimit)
			return
		}
		for done, token := 0, ""; ; {
			size := pageSize
			if limit > 0 {
				size = min(size, limit-done)
			}
			items, next, err := fetch(int32(size), token)
			if err != nil {
				var none M
				yield(none, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
				if done++; done == limit {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

// when prints a time in UTC to the second.
func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().UTC().Format(time.DateTime) + "Z"
}

// plural counts things.
func plural[N int | int32 | int64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// enum prints an enum's value without the prefix that all values share.
func enum(value, prefix string) string {
	if len(value) > len(prefix) && value[:len(prefix)] == prefix {
		return value[len(prefix):]
	}
	return value
}
