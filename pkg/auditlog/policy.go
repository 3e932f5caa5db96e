package auditlog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Policy says when a checkpoint is to be believed: which logs may sign it, and which witnesses must have cosigned it (c2sp.org/tlog-policy). With a
// quorum of witnesses a log cannot show one history to one auditor and another to the next, not even with its own key. The zero Policy is
// satisfied by nothing.
type Policy struct {
	// Logs may be empty: then the log's keys are known from elsewhere.
	Logs []PolicyLog
	// Witnesses are in the order of the file.
	Witnesses []PolicyWitness

	quorum string  // the name of a witness or a group, or none
	groups []group // each refers to witnesses and to groups before it
}

// PolicyLog is a log whose checkpoints may be believed.
type PolicyLog struct {
	// VKey is its key; the key's name is the log's origin.
	VKey string
	// URL is where to reach the log, if the file says so; what it means is up to the application.
	URL string
}

// PolicyWitness is a witness.
type PolicyWitness struct {
	// Name is its name within the policy, which need not be the key's.
	Name string
	Key  WitnessKey
	// URL is the submission prefix of c2sp.org/tlog-witness, if the file has one.
	URL string
}

// group has witnessed what at least threshold of its members have witnessed.
type group struct {
	name      string
	threshold int
	members   []string
}

// quorumNone is the quorum that asks for no witness.
const quorumNone = "none"

// Quorum is the name that the quorum line gives: of a witness, of a group, or none.
func (p Policy) Quorum() string { return p.quorum }

// Keys returns the keys of the policy's logs.
func (p Policy) Keys() (Keyring, error) {
	vkeys := make([]string, len(p.Logs))
	for i, l := range p.Logs {
		vkeys[i] = l.VKey
	}
	return ParseKeys(vkeys...)
}

// Met reports whether the witnesses with these names in the policy are a quorum.
func (p Policy) Met(witnesses ...string) bool {
	switch p.quorum {
	case "":
		return false
	case quorumNone:
		return true
	}
	witnessed := make(map[string]bool, len(witnesses)+len(p.groups))
	for _, w := range p.Witnesses {
		witnessed[w.Name] = slices.Contains(witnesses, w.Name)
	}
	for _, g := range p.groups {
		count := 0
		for _, member := range g.members {
			if witnessed[member] {
				count++
			}
		}
		witnessed[g.name] = count >= g.threshold
	}
	return witnessed[p.quorum]
}

// Satisfied judges a signed checkpoint: one of the policy's logs signed it, where the policy names logs, and a quorum of its witnesses cosigned it.
// It returns the policy's names of the witnesses that did, whether or not they are enough. Signatures by others do not count. The error is about the
// note: its form, or ErrBadSignature when a line in the name of a log or a witness does not verify, which makes the whole note worthless.
func (p Policy) Satisfied(signed string) (who []string, ok bool, err error) {
	keys := make([]WitnessKey, len(p.Witnesses))
	for i, w := range p.Witnesses {
		keys[i] = w.Key
	}
	cosignatures, err := Cosignatures(signed, keys...)
	if err != nil {
		return nil, false, err
	}
	for _, c := range cosignatures {
		i := slices.IndexFunc(keys, func(k WitnessKey) bool { return k.VKey() == c.Key.VKey() })
		who = append(who, p.Witnesses[i].Name)
	}
	slices.Sort(who)
	if len(p.Logs) > 0 {
		logs, err := p.Keys()
		if err != nil {
			return nil, false, err
		}
		switch _, _, err := Open(signed, logs); {
		case errors.Is(err, ErrUnknownKey):
			return who, false, nil
		case err != nil:
			return nil, false, err
		}
	}
	return who, p.Met(who...), nil
}

// judgePolicy adds what a policy that the auditor demands says of a checkpoint. A missing cosignature is a doubt, not a proof: the note may be
// younger than the witnesses' answers.
func (r *Report) judgePolicy(signed string, p *Policy) {
	if p == nil {
		return
	}
	who, ok, err := p.Satisfied(signed)
	r.WitnessedBy = who
	switch {
	case errors.Is(err, ErrBadSignature):
		r.add(ReasonSignature, -1, -1, "%v", err)
	case err != nil:
		r.add(ReasonMalformed, -1, -1, "the checkpoint: %v", err)
	case !ok:
		r.add(ReasonNotWitnessed, -1, -1, "the policy demands %s; the checkpoint is cosigned by %s", p.demand(), listed(who))
	}
}

func (p Policy) demand() string {
	for _, g := range p.groups {
		if g.name == p.quorum {
			return fmt.Sprintf("the group %s, %d of %d", g.name, g.threshold, len(g.members))
		}
	}
	if p.quorum == quorumNone || p.quorum == "" {
		return "one of its logs"
	}
	return "the witness " + p.quorum
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none of its witnesses"
	}
	return strings.ToValidUTF8(strings.Join(names, ", "), "?")
}

var _ note.Verifier = WitnessKey{}
