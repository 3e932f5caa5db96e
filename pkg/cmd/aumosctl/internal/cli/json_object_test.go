package cli

import "testing"

func TestJSONObject(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`[1]`:                    `f is not a JSON object but an array`,
		" \n\"x\"":               `f is not a JSON object but a string`,
		`true`:                   `f is not a JSON object but a boolean`,
		`null`:                   `f is not a JSON object but null`,
		`-1`:                     `f is not a JSON object but a number`,
		`{"a":`:                  `f is not a JSON object: line 1, column 5: unexpected end of JSON input`,
		"{\n  \"a\": 1,\n  b\n}": `f is not a JSON object: line 3, column 3: invalid character 'b' looking for beginning of object key string`,
		`{} {}`:                  `f is not a JSON object: line 1, column 4: invalid character '{' after top-level value`,
	} {
		if _, err := jsonObject("f", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if got, err := jsonObject("f", []byte(` {"a": [1]} `)); err != nil || len(got.GetFields()) != 1 {
		t.Errorf("%v, %v", got, err)
	}
}

// What is JSON and has no one meaning is refused with its place.
func TestUnsendableJSON(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a": 1, "a": 2}`:                    `line 1, column 10: the key "a" is there twice`,
		`{"b": {"a": 1}, "a": 1, "\u0061":2}`: `line 1, column 25: the key "a" is there twice`,
		"{\n \"a\": [1, {\"b\": 1e999}]}":     `line 2, column 17: the number 1e999 is too large`,
		`{"a": "x\ud800"}`:                    `line 1, column 7: half of a surrogate pair`,
		"{\"a\": \"é\xff\"}":                  `line 1, column 10: a byte that is not UTF-8`,
	} {
		_, err := jsonObject("f", []byte(text))
		if err == nil || err.Error() != "f is not a JSON object: "+want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
