package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/output"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const pushHelp = `Adds the Rego files as a new version of a policy; a policy of this name is created if there is none.

The Rego is validated first: when it does not compile, nothing is changed. The first file's package is the entry point: it defines allow (boolean) and
may define violations. When the newest version has the same content, nothing is added. With --activate, decisions use the pushed content from then on.`

const pushExample = `  aumosctl policy push examples/policies/retrain.rego --name retrain --decision-point drift.retrain --activate
  aumosctl policy push main.rego lib/dates.rego --name promotion`

// maxModule is the contract's limit on one module; longer files are not read.
const maxModule = 256 << 10

type pushOptions struct {
	name, description string
	points            []string
	activate          bool
}

func (a *app) policyPushCommand() *cobra.Command {
	var o pushOptions
	cmd := &cobra.Command{
		Use: "push FILE.rego... --name NAME", Short: "Add a version of a policy", Long: pushHelp, Example: pushExample, Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.policyPush(cmd.Context(), args, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "the policy's name")
	f.StringVar(&o.description, "description", "", "what a new policy is for")
	f.StringSliceVar(&o.points, "decision-point", nil, "a decision point that a new policy answers, for example drift.retrain; may be repeated")
	f.BoolVar(&o.activate, "activate", false, "make it the version that decisions use")
	_ = cmd.MarkFlagRequired("name") // fails for unknown flags only
	return cmd
}

func (a *app) policyPush(ctx context.Context, files []string, o pushOptions) error {
	modules, err := readModules(files)
	if err != nil {
		return err
	}
	client, done, err := a.policies(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := a.checkRego(ctx, client, modules, files); err != nil {
		return err
	}
	policy, created, err := a.ensurePolicy(ctx, client, o)
	if err != nil {
		return err
	}
	version, added, err := a.ensureVersion(ctx, client, policy, modules)
	if err != nil {
		if created {
			a.note("note: policy %q was created and has no version yet, so nothing is decided by it: push again under the same name", policy.GetName())
		}
		return err
	}
	activated := false
	if o.activate && policy.GetActiveVersionId() != version.GetId() {
		if policy, version, err = a.activate(ctx, client, version); err != nil {
			return err
		}
		activated = true
	}
	if a.format != formatTable {
		return a.printPushed(policy, version, map[string]bool{"policy_created": created, "version_added": added, "version_activated": activated})
	}
	did := "unchanged"
	if added {
		did = "added"
	}
	return output.Pairs(a.stdout, "", "policy", policy.GetName()+" ("+policy.GetId()+")",
		"version", fmt.Sprintf("%d, %s (%s)", version.GetNumber(), did, version.GetId()),
		"content", "sha256:"+hex.EncodeToString(version.GetContentSha256()),
		"state", stateOf(policy, version), "decides", strings.Join(policy.GetDecisionPoints(), " "))
}

func (a *app) printPushed(policy *governancev1.Policy, version *governancev1.PolicyVersion, did map[string]bool) error {
	result := make(map[string]any, len(did)+2)
	for name, value := range did {
		result[name] = value
	}
	var err error
	if result["policy"], err = output.Tree(policy); err != nil {
		return err
	}
	if result["policy_version"], err = output.Tree(version); err != nil {
		return err
	}
	return a.printJSON(result)
}

// stateOf says whether decisions use the version; a version read before another was activated may still call itself active.
func stateOf(policy *governancev1.Policy, version *governancev1.PolicyVersion) string {
	if policy.GetActiveVersionId() == version.GetId() {
		return "active"
	}
	return "not active"
}

// ensurePolicy finds or creates the policy. The decision points of one that exists cannot be changed, so others are refused rather than
// left out.
func (a *app) ensurePolicy(ctx context.Context, client governancev1.PolicyServiceClient, o pushOptions) (policy *governancev1.Policy, created bool, err error) {
	policy, err = a.policyByName(ctx, client, o.name)
	if err != nil {
		return nil, false, err
	}
	if policy != nil {
		want, have := slices.Sorted(slices.Values(o.points)), slices.Sorted(slices.Values(policy.GetDecisionPoints()))
		if len(want) > 0 && !slices.Equal(slices.Compact(want), have) {
			return nil, false, fmt.Errorf("policy %q exists and answers the decision points [%s], not [%s]: push under another name",
				o.name, strings.Join(have, " "), strings.Join(want, " "))
		}
		if o.description != "" && o.description != policy.GetDescription() {
			a.note("note: policy %q exists and keeps its description", o.name)
		}
		return policy, false, nil
	}
	res, err := call(ctx, a, client.CreatePolicy, &governancev1.CreatePolicyRequest{
		Name: o.name, Description: o.description, DecisionPoints: slices.Compact(slices.Sorted(slices.Values(o.points))),
	})
	return res.GetPolicy(), true, err
}

// ensureVersion adds a version unless the newest one has the same content.
func (a *app) ensureVersion(
	ctx context.Context, client governancev1.PolicyServiceClient, policy *governancev1.Policy, modules []*governancev1.RegoModule,
) (version *governancev1.PolicyVersion, added bool, err error) {
	for newest, err := range a.policyVersions(ctx, client, policy.GetId(), 1) {
		if err != nil {
			return nil, false, err
		}
		if digest := contentDigest(modules); bytes.Equal(newest.GetContentSha256(), digest[:]) {
			return newest, false, nil
		}
	}
	res, err := call(ctx, a, client.CreatePolicyVersion, &governancev1.CreatePolicyVersionRequest{PolicyId: policy.GetId(), Modules: modules})
	return res.GetPolicyVersion(), true, err
}

// contentDigest is PolicyVersion.content_sha256: for each module the path and the source, each preceded by its length.
func contentDigest(modules []*governancev1.RegoModule) [32]byte {
	h := sha256.New()
	for _, m := range modules {
		for _, part := range []string{m.GetPath(), m.GetSource()} {
			var size [8]byte
			binary.BigEndian.PutUint64(size[:], uint64(len(part)))
			_, _ = h.Write(size[:]) // a hash does not fail
			_, _ = io.WriteString(h, part)
		}
	}
	return [32]byte(h.Sum(nil))
}

// readModules reads the files. Their paths in the version are relative to the deepest directory that holds all of them, so that the content
// does not depend on where it was pushed from.
func readModules(files []string) ([]*governancev1.RegoModule, error) {
	paths := make([]string, len(files))
	var root []string
	for i, file := range files {
		path, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		paths[i] = path
		dirs := strings.Split(filepath.ToSlash(filepath.Dir(path)), "/")
		if i == 0 {
			root = dirs
			continue
		}
		n := 0
		for n < min(len(root), len(dirs)) && root[n] == dirs[n] {
			n++
		}
		root = root[:n]
	}
	modules := make([]*governancev1.RegoModule, len(files))
	for i, path := range paths {
		source, err := readAtMost(path, maxModule)
		if err != nil {
			return nil, err
		}
		switch {
		case len(source) == 0:
			return nil, fmt.Errorf("%s is empty", path)
		case !utf8.Valid(source):
			return nil, fmt.Errorf("%s is not UTF-8", path)
		}
		name := strings.Join(strings.Split(filepath.ToSlash(path), "/")[len(root):], "/")
		modules[i] = &governancev1.RegoModule{Path: name, Source: string(source)}
	}
	return modules, nil
}

// readAtMost reads a file that must not be longer than limit.
func readAtMost(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s is longer than %d KiB", path, limit>>10)
	}
	return data, nil
}
