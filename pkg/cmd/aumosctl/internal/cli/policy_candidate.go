package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/aumos-enterprise/platform/pkg/cmd/aumosctl/internal/policydir"
	governancev1 "github.com/aumos-enterprise/platform/pkg/gen/aumos/governance/v1"
)

const candidateHelp = `The candidate is the policy's newest version, the one of --version, or what --dir has: a policy's directory as policy init makes it, which need not be
pushed.`

// candidateOptions name what is tried out.
type candidateOptions struct {
	version int32
	dir     string
}

func (o *candidateOptions) flags(cmd *cobra.Command) {
	cmd.Flags().Int32Var(&o.version, "version", 0, "the number of the candidate's version (default: the newest)")
	cmd.Flags().StringVar(&o.dir, "dir", "", "a policy's directory: try out what it has, without pushing it")
}

// candidate is a version of the policy, or the content of a directory.
type candidate struct {
	policy    *governancev1.Policy
	version   *governancev1.PolicyVersion // nil: modules are
	modules   *governancev1.CandidateModules
	directory *policydir.Directory // nil unless a directory was named
}

// file is what the user calls the module with this path.
func (c candidate) file(path string) string {
	if c.directory == nil {
		return path
	}
	return c.directory.File(path)
}

// noteFiles says which files of the directory an error means.
func (c candidate) noteFiles(a *app, err error) {
	if c.directory != nil {
		a.noteModules(err, c.directory.Modules, c.directory.File)
	}
}

func (a *app) findCandidate(
	ctx context.Context, client governancev1.PolicyServiceClient, policy string, o candidateOptions,
) (c candidate, err error) {
	if o.version < 0 {
		return c, errVersion
	}
	if o.version > 0 && o.dir != "" {
		return c, errors.New("--version and --dir exclude each other")
	}
	if o.dir != "" {
		if c.directory, err = policydir.Read(o.dir); err != nil {
			return c, err
		}
		c.modules = &governancev1.CandidateModules{Modules: c.directory.Modules, Data: c.directory.Data}
	}
	if c.policy, err = a.findPolicy(ctx, client, policy); err != nil || o.dir != "" {
		return c, err
	}
	c.version, err = a.findVersion(ctx, client, c.policy, o.version)
	return c, err
}
