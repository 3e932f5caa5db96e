package auditlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

const (
	// maxPolicyBytes and maxPolicyItems bound a policy file; the specification asks for 32 logs, witnesses and groups at least.
	maxPolicyBytes = 1 << 20
	maxPolicyItems = 64
)

// ParsePolicy reads a policy file (c2sp.org/tlog-policy).
func ParsePolicy(text []byte) (Policy, error) {
	if len(text) > maxPolicyBytes {
		return Policy{}, fmt.Errorf("read policy: more than %d bytes", maxPolicyBytes)
	}
	var r policyReader
	for number, line := range bytes.Split(text, []byte("\n")) {
		if err := r.line(string(line)); err != nil {
			return Policy{}, fmt.Errorf("read policy: line %d: %w", number+1, err)
		}
	}
	if r.policy.quorum == "" {
		return Policy{}, errors.New("read policy: no quorum line")
	}
	return r.policy, nil
}

// policyReader holds what the lines so far said.
type policyReader struct {
	policy  Policy
	defined []string // names of witnesses and groups, which share one space
	joined  []string // names that are a member of a group
	logs    []string // public keys of logs
	witness []string // public keys of witnesses
}

func (r *policyReader) line(line string) error {
	// All other control characters are forbidden; what has the high bit set is opaque.
	if strings.ContainsFunc(strings.ToValidUTF8(line, "?"), func(c rune) bool { return c != '\t' && c < ' ' || c == 0x7f }) {
		return errors.New("a control character")
	}
	line = strings.Trim(line, " \t")
	if line == "" || line[0] == '#' {
		return nil
	}
	fields := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
	keyword, args := fields[0], fields[1:]
	switch keyword {
	case "log":
		return r.log(args)
	case "witness":
		return r.addWitness(args)
	case "group":
		return r.group(args)
	case "quorum":
		return r.quorum(args)
	default:
		return fmt.Errorf("%q is none of log, witness, group and quorum", keyword)
	}
}

func (r *policyReader) log(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("want: log <vkey> [<url>]")
	}
	if _, err := ParseKeys(args[0]); err != nil {
		return err
	}
	if err := once(&r.logs, publicPart(args[0]), "log key"); err != nil {
		return err
	}
	r.policy.Logs = append(r.policy.Logs, PolicyLog{VKey: args[0], URL: optional(args[1:])})
	return nil
}

func (r *policyReader) addWitness(args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("want: witness <name> <vkey> [<url>]")
	}
	key, err := ParseWitnessKey(args[1])
	if err != nil {
		return err
	}
	if err := once(&r.witness, publicPart(args[1]), "witness key"); err != nil {
		return err
	}
	if err := r.define(args[0]); err != nil {
		return err
	}
	r.policy.Witnesses = append(r.policy.Witnesses, PolicyWitness{Name: args[0], Key: key, URL: optional(args[2:])})
	return nil
}

func (r *policyReader) group(args []string) error {
	if len(args) < 3 {
		return errors.New("want: group <name> all|any|<k> and at least one member")
	}
	g := group{name: args[0], members: args[2:]}
	switch args[1] {
	case "any":
		g.threshold = 1
	case "all":
		g.threshold = len(g.members)
	default:
		k, err := parseDecimal(args[1])
		if err != nil || k < 1 || k > int64(len(g.members)) {
			return fmt.Errorf("the threshold %q is not between 1 and the group's %d members", args[1], len(g.members))
		}
		g.threshold = int(k)
	}
	for _, member := range g.members {
		if !slices.Contains(r.defined, member) {
			return fmt.Errorf("%q is not defined on a line before", member)
		}
		if slices.Contains(r.joined, member) {
			return fmt.Errorf("%q is a member already: a witness counts in one way only", member)
		}
		r.joined = append(r.joined, member)
	}
	if err := r.define(g.name); err != nil {
		return err
	}
	r.policy.groups = append(r.policy.groups, g)
	return nil
}

func (r *policyReader) quorum(args []string) error {
	switch {
	case len(args) != 1:
		return errors.New("want: quorum <name>")
	case r.policy.quorum != "":
		return errors.New("a second quorum line")
	case args[0] != quorumNone && !slices.Contains(r.defined, args[0]):
		return fmt.Errorf("%q is not defined on a line before", args[0])
	}
	r.policy.quorum = args[0]
	return nil
}

func (r *policyReader) define(name string) error {
	if name == quorumNone {
		return fmt.Errorf("the name %q has a meaning of its own", name)
	}
	if len(r.policy.Witnesses) == maxPolicyItems || len(r.policy.groups) == maxPolicyItems {
		return fmt.Errorf("more than %d witnesses or groups", maxPolicyItems)
	}
	return once(&r.defined, name, "name")
}

// once adds to a list what must not come twice.
func once(list *[]string, item, what string) error {
	if slices.Contains(*list, item) {
		return fmt.Errorf("the %s %q comes twice", what, item)
	}
	if len(*list) == 2*maxPolicyItems {
		return fmt.Errorf("more than %d of one kind", 2*maxPolicyItems)
	}
	*list = append(*list, item)
	return nil
}

// publicPart returns the key material of a verifier key that has been parsed: two keys are the same when it is, whatever their names.
func publicPart(vkey string) string {
	parts := strings.SplitN(vkey, "+", 3)
	return parts[2]
}

func optional(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}
