package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	driftv1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/drift/v1"
)

func TestDriftCompareEmbed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	data := writeFile(t, "data.csv", "n,note,other\n1,hello,x\n2,world,y\n")
	features := func() []string {
		var features []string
		for _, f := range p.drift.compared[len(p.drift.compared)-1].header.GetFeatures() {
			parts := []string{f.GetName()}
			if f.GetEmbed() {
				parts = append(parts, "embedded")
			}
			for _, test := range f.GetTests() {
				parts = append(parts, strings.TrimPrefix(test.GetTest().String(), "DRIFT_TEST_"))
			}
			features = append(features, strings.Join(parts, " "))
		}
		return features
	}
	args := []string{"drift", "compare", data, data, "--type", "note=text", "--embed", "note"}
	p.run(t, args...).expect(t, 1).says(t, "note: 2, 2 texts by m7")
	if diff := cmp.Diff([]string{"n", "note embedded", "other"}, features()); diff != "" {
		t.Error(diff)
	}
	p.run(t, append(args, "--tests", "psi,mmd")...).expect(t, 1)
	want := []string{"n POPULATION_STABILITY_INDEX", "note embedded MAXIMUM_MEAN_DISCREPANCY", "other POPULATION_STABILITY_INDEX"}
	if diff := cmp.Diff(want, features()); diff != "" {
		t.Error(diff)
	}
	p.run(t, "drift", "compare", data, data, "--feature", "note:text:text_length,mmd", "--embed", "note").expect(t, 1)
	if diff := cmp.Diff([]string{"note embedded TEXT_LENGTH MAXIMUM_MEAN_DISCREPANCY"}, features()); diff != "" {
		t.Error(diff)
	}
	p.run(t, "drift", "compare", data, data, "--embed", "absent").expect(t, 3).says(t, "--embed absent: no such column")
	p.run(t, "drift", "compare", data, data, "--embed", "n").expect(t, 3).says(t, "--embed n: only texts are embedded, and the column is numeric")
	p.drift.refuse = refuse(codes.FailedPrecondition, driftv1.ErrorReason_ERROR_REASON_EMBEDDING_NOT_CONFIGURED.String()[len("ERROR_REASON_"):], "there is none")
	p.run(t, args...).expect(t, 3).says(t, "leave --embed out")
}
