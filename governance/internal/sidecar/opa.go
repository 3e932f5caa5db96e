package sidecar

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aumos-enterprise/platform/pkg/errs"
)

const (
	// BundleName is what the bundle is called in OPA's configuration.
	BundleName = "aumos"
	// Label is the label by which OPA's configuration names a sidecar. Without it the name is the one that OPA makes up at each start.
	Label = "sidecar"
)

// status is what we read of OPA's status report (openpolicyagent.org, "Status Service API").
type status struct {
	Labels  map[string]string       `json:"labels"`
	Bundles map[string]bundleStatus `json:"bundles"`
}

type bundleStatus struct {
	ActiveRevision string `json:"active_revision"`
	Code           string `json:"code"` // of what is wrong; empty when nothing is
	Message        string `json:"message"`
}

var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$`)

// FromOPA reads a status report that OPA has sent. It fails with INVALID_FIELD.
func FromOPA(body []byte) (Report, error) {
	var s status
	if err := json.Unmarshal(body, &s); err != nil {
		return Report{}, errs.InvalidField("body", "is not a status report").Because(err)
	}
	r := Report{ID: s.Labels[Label], Version: "opa/" + s.Labels["version"]}
	field := "labels." + Label
	if r.ID == "" {
		r.ID, field = s.Labels["id"], "labels.id"
	}
	if !validID.MatchString(r.ID) {
		return Report{}, errs.InvalidField(field, "must begin with a letter or digit and have 1 to 128 of letters, digits and ._:/-")
	}
	b, ok := s.Bundles[BundleName]
	switch {
	case !ok:
		r.Message = "it has no bundle of the name " + BundleName
	case b.Code != "":
		r.Message = b.Code + ": " + b.Message
	case b.ActiveRevision == "":
		r.Message = "it has loaded no bundle yet"
	default:
		r.Healthy = true
	}
	r.LoadedRevision = b.ActiveRevision
	return r, nil
}

// text makes the string fit to be stored and shown: without control characters, and cut to the number of characters.
func text(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > limit {
		s = string([]rune(s)[:limit])
	}
	return s
}
