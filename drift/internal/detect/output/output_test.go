package output_test

import (
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/drift/internal/detect/output"
)

func TestRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"I'm sorry, but I can't help with that.":                               true,
		"I’m sorry, but I can’t help with that.":                               true,
		"As an AI language model, I do not have opinions.":                     true,
		"I  CANNOT\nassist with this request.":                                 true,
		"Unfortunately I am unable to do this.":                                true,
		"The results show that the method cannot assist in every case.":        false,
		"Sure! Here is the list:":                                              false,
		"":                                                                     false,
		"Sorry for the delay. The parcel arrives on Monday.":                   false,
		strings.Repeat("x ", 200) + "I cannot help":                            false,
		strings.Repeat("é", 149) + " " + "\xff I cannot help with this at all": false,
	} {
		if got := output.Refuses(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestValidJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"a": [1, 2.5e3, null, "\u00e9"]}`: true, " 1 ": true, `""`: true,
		"": false, "{": false, "{}{}": false, "NaN": false, "{'a': 1}": false, "```json\n{}\n```": false, strings.Repeat("[", 65_536): false, `{"a": 1,}`: false,
	} {
		if got := output.ValidJSON(text); got != want {
			t.Errorf("%.40q: got %v", text, got)
		}
	}
}
