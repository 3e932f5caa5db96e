package wallattack_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aumos-enterprise/platform/pkg/postgrestest"
)

// attack is one thing that somebody tries.
type attack struct {
	name string
	// sql is what is sent, as one implicit transaction; :table stands for each of the wall's tables in turn, :tenant for the log that is watched,
	// :other for another one, :db for the database.
	sql string
	// run takes the place of sql. It may return a checkpoint that the attacker presents with the log.
	run func(g *ground, as role) (presented string, err error)
	// older says that the attacker presents the older of the genuine checkpoints.
	older bool
	// grows says that another entry is appended before anybody looks.
	grows bool
	// undo puts back what all databases of a server share.
	undo string
	want map[role]outcome
}

// group is a set of attacks that share a table in the document.
type group struct {
	title   string
	text    string
	roles   []role
	attacks []attack
	// ground says where an attack takes place.
	ground func(t *testing.T) *ground
	// alters is set where attacks succeed: each gets a ground of its own.
	alters bool
}

func groups() []group {
	everyone := []role{writer, reader, owner, guard, superuser}
	return []group{
		{title: "Changing rows", text: rowText, roles: everyone, attacks: rowAttacks(), ground: cloned},
		{title: "Changing the schema", text: schemaText, roles: everyone, attacks: schemaAttacks(), ground: cloned},
		{title: "Becoming somebody else", text: sessionText, roles: []role{writer, reader, owner, guard}, attacks: sessionAttacks(), ground: cloned},
		{title: "Changing what a server's databases share", text: sharedText, roles: []role{superuser}, attacks: sharedAttacks(), ground: ownServer},
		{title: "Adding forged rows", text: forgeryText, roles: []role{writer, superuser}, attacks: forgeries(), ground: cloned, alters: true},
		{title: "Weakening the schema with the guards lifted", text: weakeningText, roles: []role{unguarded}, attacks: weakenings(), ground: cloned, alters: true},
		{title: "Changing rows with the guards lifted", text: alterationText, roles: []role{unguarded}, attacks: alterations(), ground: cloned, alters: true},
	}
}

// observed holds what came of every attack of a group, by attack and role. Each cell is written by one subtest.
type observed [][]outcome

// TestAttacks runs every attack and compares what came of it with what its table says. Then it compares the document with what was seen;
// UPDATE_ATTACK_WALL=1 writes it anew.
func TestAttacks(t *testing.T) {
	t.Parallel()
	all := groups()
	seen := make([]observed, len(all))
	t.Run("group", func(t *testing.T) { // returns when the parallel subtests have ended
		for i, g := range all {
			seen[i] = make(observed, len(g.attacks))
			for k := range seen[i] {
				seen[i][k] = make([]outcome, len(g.roles))
			}
			for k, as := range g.roles {
				if g.alters {
					for n, a := range g.attacks {
						t.Run(g.title+"/"+a.name+"/"+as.String(), func(t *testing.T) {
							t.Parallel()
							seen[i][n][k] = judge(g.ground(t), a, as)
						})
					}
					continue
				}
				t.Run(g.title+"/"+as.String(), func(t *testing.T) {
					t.Parallel()
					field := g.ground(t)
					for n, a := range g.attacks {
						seen[i][n][k] = judge(field, a, as)
					}
				})
			}
		}
	})
	for _, o := range seen {
		for _, outcomes := range o {
			if slices.Contains(outcomes, "") {
				return // -run left some out, or they failed
			}
		}
	}
	document := render(all, seen, serverVersion(t))
	t.Log("\n" + document)
	if os.Getenv("UPDATE_ATTACK_WALL") != "" {
		if err := os.WriteFile(documentPath, []byte(document), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(documentPath)
	if err != nil || !sameDocument(string(written), document) {
		t.Errorf("docs/attack-wall.md is not what the attacks came to (%v): make attack-wall writes it anew", err)
	}
}

// serverVersion returns the number of PostgreSQL's version.
func serverVersion(t *testing.T) string {
	t.Helper()
	var version string
	err := postgrestest.Audit(t).Writer.QueryRow(t.Context(), `SELECT split_part(current_setting('server_version'), ' ', 1)`).Scan(&version)
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// judge carries out an attack and says what came of it.
func judge(g *ground, a attack, as role) outcome {
	g.t.Helper()
	if a.want[as] == notTried {
		return notTried
	}
	targets := []string{""}
	if strings.Contains(a.sql, ":table") {
		targets = wallTables()
	}
	var outcomes []outcome
	for _, table := range targets {
		if o := g.attempt(a, as, table); !slices.Contains(outcomes, o) {
			outcomes = append(outcomes, o)
		}
	}
	came := outcomes[0]
	for _, o := range outcomes[1:] {
		came += " / " + o
	}
	if want := a.want[as]; came != want {
		g.t.Errorf("%s, as %s: %q, want %q", a.name, as, came, want)
	}
	if strings.Contains(string(came), string(unnoticed)) {
		g.t.Errorf("%s, as %s, changed the wall and nobody noticed", a.name, as)
	}
	return came
}
