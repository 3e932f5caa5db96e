package wallattack_test

import (
	"fmt"
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

A superuser who lifts the guards can also do what nothing here finds, and what changes no entry:

- leave objects behind that no migration made, such as a view that reads with its owner's rights, or grant other services' roles CREATE on a schema:
  the posture looks at the wall's own tables and functions, and names SECURITY DEFINER functions without refusing them;
- drop a CHECK constraint or an index, add a column, set a default;
- give the database or a role a setting, such as a default for ` + "`aumos.tenant_id`" + ` (the database's owner may do that too) or
  ` + "`session_replication_role`" + `, which the guards, being ENABLE ALWAYS, ignore;
- change rows of the checkpoints other than the newest root, or add one of a size that the log has passed (the writer may do that too): no
  proof rests on them, the service answers from the heads that it keeps outside the database.
`

// render writes the document.
func render(all []group, seen []observed) string {
	var b strings.Builder
	b.WriteString(documentHead)
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
