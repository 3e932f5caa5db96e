package wallattack_test

import (
	"fmt"
	"regexp"
	"strings"
)

const documentPath = "../../../docs/attack-wall.md"

const documentHead = `# What comes of attacks on the Audit Wall

` + "`make attack-wall`" + ` writes this file: the tests in ` + "`governance/internal/wallattack`" + ` carry out every attack below on a real PostgreSQL and fail when one
comes to anything else. After each, everything on the wall is read again and compared byte for byte, together with the catalogue rows that
protect it. An attack is *prevented* when nothing changed, with the layer that refused it; otherwise it is *detected*, with everything that
found it:

- **posture**: the named check of ` + "`governance wall posture`" + `; the service does not start when one of the required checks fails;
- **no head is signed**: the service, which keeps the heads it signed outside the database, refuses to go on;
- **verification**: an export, verified with the public key and a checkpoint signed before the attack (or after it, where one is still signed),
  names the reason and the entries;
- **kept checkpoint**: the same verification by an auditor who kept both checkpoints.

*Undone* means that the service itself put back what was there.

The watched log has 20 entries (0 to 19) and was signed at 15 and at 20. Roles: the *writer* and the *reader* are what the service logs in as; the
*owner* of the tables and the *guard*, who owns the functions that refuse, are roles that nobody can log in as, tried here in sessions that a
superuser gave away.

## What no table shows

Whoever has the writer's password can append entries that are true to form: the wall proves that nothing was changed or removed since, not that
the entry was true. A superuser can add rows in the same way. Whoever holds the signing key and rewrites a log before any of its heads left
the database cannot be found out by anybody. Attacks below PostgreSQL, on its files or its memory, come to the same as those on rows with the guards lifted.

The posture is what the server says about itself. It is looked at when the service starts, every ten minutes while it runs, and when somebody asks, and what
it comes to stands on the platform's log; what a superuser does and undoes in between is not in it. Verification does not rest on it. A superuser who
lifts the guards can also do what nothing here finds, and what changes no entry:

- remove a checkpoint that is not the newest, or a cosignature, from the database: the service keeps every head that it signed outside of it, and those who
  hold one can use it as before;
- replace a part of PostgreSQL itself (its files, or its catalogue with forged transaction numbers) so that it answers the posture's questions wrongly;
- drop the database: the service stops, and the heads in its files tell a smaller one that takes its place.

The check "additions" also names logical replication slots, which the servers of these tests do not allow.
`

// ranOn is the document's line about the server, in which two documents may differ.
var ranOn = regexp.MustCompile(`\nThese tables are from a run on PostgreSQL [0-9.]+\.\n`)

// sameDocument compares documents but for the server that they were written on.
func sameDocument(a, b string) bool {
	return ranOn.ReplaceAllString(a, "") == ranOn.ReplaceAllString(b, "")
}

// render writes the document.
func render(all []group, seen []observed, version string) string {
	var b strings.Builder
	b.WriteString(documentHead)
	fmt.Fprintf(&b, "\nThese tables are from a run on PostgreSQL %s.\n", version)
	for i, g := range all {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| Attack |", g.title, g.text)
		for _, as := range g.roles {
			fmt.Fprintf(&b, " %s |", as)
		}
		fmt.Fprintf(&b, "\n|---|%s\n", strings.Repeat("---|", len(g.roles)))
		for n, a := range g.attacks {
			fmt.Fprintf(&b, "| %s |", a.name)
			for _, o := range seen[i][n] {
				fmt.Fprintf(&b, " %s |", o)
			}
			b.WriteByte('\n')
		}
	}
	return b.String()
}
