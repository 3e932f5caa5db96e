package migrations_test

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/aumos-enterprise/platform/migrations"
)

func TestEveryDirectoryIsEmbedded(t *testing.T) {
	t.Parallel()
	numbered := regexp.MustCompile(`^[0-9]{4}_[a-z0-9_]+\.sql$`)
	for name, c := range map[string]struct {
		fsys fs.FS
		name *regexp.Regexp
	}{
		"governance": {migrations.Governance(), numbered},
		"audit":      {migrations.Audit(), numbered},
		"drift":      {migrations.Drift(), numbered},
		"bootstrap":  {migrations.Bootstrap(), regexp.MustCompile(`^(roles|governance|audit|drift)\.sql$`)},
	} {
		files, err := fs.ReadDir(c.fsys, ".")
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
		for _, file := range files {
			if !c.name.MatchString(file.Name()) {
				t.Errorf("%s: %s does not match %s", name, file.Name(), c.name)
			}
		}
	}
}
