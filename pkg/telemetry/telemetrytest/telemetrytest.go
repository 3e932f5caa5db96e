// Package telemetrytest holds the metrics of a service to their documentation.
package telemetrytest

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// family is how a metric of the platform begins in what a service exposes.
var family = regexp.MustCompile(`(?m)^# HELP (aumos_\w+) `)

// Documented fails the test for every metric of the platform that is exposed and does not stand in the document, a file.
func Documented(tb testing.TB, exposed, document string) {
	tb.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		tb.Fatal(err)
	}
	found := family.FindAllStringSubmatch(exposed, -1)
	if len(found) == 0 {
		tb.Error("no metric is exposed")
	}
	for _, f := range found {
		if !strings.Contains(string(text), "`"+f[1]+"`") && !strings.Contains(string(text), "`"+f[1]+"{") {
			tb.Errorf("%s says nothing of %s", document, f[1])
		}
	}
}
