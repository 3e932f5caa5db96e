package config

import (
	"fmt"
	"io"
	"os"
	"strings"
)

const (
	fileSuffix = "_FILE"
	// maxSecretFile bounds what is read from a path that may name anything.
	maxSecretFile = 1 << 20
)

// readSecretFiles moves what the K_FILE variables of secrets name into vars[K] and removes K_FILE, so that both forms parse alike.
func readSecretFiles(fields []field, vars map[string]string) (problems []error) {
	for _, f := range fields {
		if !f.secret() {
			continue
		}
		path, ok := vars[f.key+fileSuffix]
		if !ok {
			continue
		}
		delete(vars, f.key+fileSuffix)
		if vars[f.key] != "" {
			problems = append(problems, fmt.Errorf("%s and %s%s are both set: unset one", f.key, f.key, fileSuffix))
			continue
		}
		value, err := readSecretFile(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s%s: %w: name a readable file that holds the value alone", f.key, fileSuffix, err))
			// The missing value is this problem, not a second one.
			value = redacted
		}
		vars[f.key] = value
	}
	return problems
}

// readSecretFile returns the file's content without one trailing line ending, which editors and `echo` add.
func readSecretFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch {
	case err != nil:
		return "", err
	case len(b) > maxSecretFile:
		return "", fmt.Errorf("the file is over %d bytes", maxSecretFile)
	}
	s := strings.TrimSuffix(string(b), "\n")
	return strings.TrimSuffix(s, "\r"), nil
}
