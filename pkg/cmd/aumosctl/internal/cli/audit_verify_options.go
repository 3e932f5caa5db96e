package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aumos-enterprise/platform/pkg/auditlog"
)

type verifyOptions struct {
	keys, checkpoints      []string
	leaf, policy, database string
	all                    bool
	tolerance              time.Duration
}

// options reads what the auditor brings.
func (o verifyOptions) options() (auditlog.Options, error) {
	keys, err := readKeys(o.keys)
	if err != nil {
		return auditlog.Options{}, err
	}
	options := auditlog.Options{Keys: keys, TimeTolerance: o.tolerance}
	if o.tolerance < 0 {
		return options, errors.New("--time-tolerance must not be negative")
	}
	for _, path := range o.checkpoints {
		if err := addKnown(&options, path, o.all); err != nil {
			return options, err
		}
	}
	if o.policy == "" {
		return options, nil
	}
	text, err := readAtMost(o.policy, maxReceipt)
	if err != nil {
		return options, err
	}
	policy, err := auditlog.ParsePolicy(text)
	if err != nil {
		return options, fmt.Errorf("%s: %w", o.policy, err)
	}
	named, err := policy.Keys()
	if err != nil {
		return options, fmt.Errorf("%s: %w", o.policy, err)
	}
	options.Policy, options.Keys = &policy, keys.With(named) // the policy says whom to believe
	return options, nil
}

// addKnown adds the checkpoints of a file. Where it has those of several logs, only logs whose key is trusted count.
func addKnown(options *auditlog.Options, path string, every bool) error {
	var all, others []string
	several := map[string]bool{}
	err := readCheckpoints(path, func(signed string) error {
		if _, _, err := auditlog.Open(signed, auditlog.Keyring{}); err != nil && !errors.Is(err, auditlog.ErrUnknownKey) {
			return fmt.Errorf("%w: --checkpoint takes checkpoints, receipts, and the platform's files of signed heads", err) // no word about the log
		}
		origin, _, _ := strings.Cut(signed, "\n")
		several[origin] = true
		if every || options.Keys.Empty() || options.Keys.Has(origin) {
			all = append(all, signed)
		} else if len(others) < 1 {
			others = append(others, signed)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(several) > 1 {
		options.KnownOthers, others = true, nil
		if len(all) == 0 {
			return fmt.Errorf("%s has checkpoints of %d logs, and none of a log whose key was given", path, len(several))
		}
	}
	options.Known = append(append(options.Known, all...), others...)
	return nil
}

// readKeys reads keys from files, and keys that stand in the arguments themselves.
func readKeys(arguments []string) (auditlog.Keyring, error) {
	vkeys, err := readVKeys(arguments)
	if err != nil {
		return auditlog.Keyring{}, err
	}
	return auditlog.ParseKeys(vkeys...)
}

func readVKeys(arguments []string) ([]string, error) {
	var vkeys []string
	for _, argument := range arguments {
		data, err := readAtMost(argument, maxReceipt)
		switch {
		case err == nil:
			for line := range strings.Lines(string(data)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					vkeys = append(vkeys, line)
				}
			}
		case errors.Is(err, os.ErrNotExist) && strings.Count(argument, "+") >= 2:
			vkeys = append(vkeys, argument)
		default:
			return nil, fmt.Errorf("read the key: %w", err)
		}
	}
	return vkeys, nil
}
