package policydir

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

//go:embed scaffold
var scaffold embed.FS

// nameRule is the contract's rule for names of policies.
var nameRule = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}$`)

// Init writes the files of a small policy with tests into the directory, which is made if there is none, and returns their names. It overwrites nothing: a
// file that exists is an error, and then none is written.
func Init(dir, name string) ([]string, error) {
	if !nameRule.MatchString(name) {
		return nil, fmt.Errorf("%q is no name for a policy: 1 to 128 letters, digits, spaces and ._-, beginning with a letter or digit", name)
	}
	word := wordOf(name)
	files := make(map[string]string)
	var names []string
	err := fs.WalkDir(scaffold, "scaffold", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fill(path, map[string]string{"Name": name, "Package": "policies." + word, "Last": word, "Point": word + ".decide"})
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(path, "scaffold/")))
		if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists: init overwrites nothing", target)
		}
		files[target] = text
		names = append(names, target)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, target := range names {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil { // a repository's, for others to read
			return nil, err
		}
		if err := os.WriteFile(target, []byte(files[target]), 0o644); err != nil { // as above
			return nil, err
		}
	}
	return names, nil
}

func fill(path string, values map[string]string) (string, error) {
	t, err := template.ParseFS(scaffold, path)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	err = t.Execute(&text, values)
	return text.String(), err
}

// wordOf makes a word of a policy's name that may be a part of a package's path and of a decision point.
func wordOf(name string) string {
	word := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "_"), "_")
	if word == "" || word[0] < 'a' {
		word = "p" + word
	}
	return word
}
