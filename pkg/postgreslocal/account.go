package postgreslocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is the system user that PostgreSQL runs as. PostgreSQL refuses to run as root.
type account struct {
	name string
	// credential is nil when the calling user runs PostgreSQL itself.
	credential *syscall.Credential
}

// unprivileged are the users that run PostgreSQL when root starts it, best first. PostgreSQL needs one that has a name.
var unprivileged = []string{"postgres", "_postgres", "nobody", "daemon"} //nolint:gochecknoglobals // a constant table

func chooseAccount() (account, error) {
	if os.Geteuid() != 0 {
		return account{name: "the current user"}, nil
	}
	for _, name := range unprivileged {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr != nil || gidErr != nil || uid == 0 {
			continue
		}
		return account{name: name, credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is no user to run it as: " +
		"create one (useradd --system postgres) or start this as another user")
}

// command prepares a program to run as the account, in an environment that no PG variable of the caller reaches, and apart from the
// terminal's signals: Ctrl-C must not end the server before its clients.
func (a account) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: a.credential}
	return cmd
}

// mayEnter reports whether the account can read and enter a directory, by trying.
func (a account) mayEnter(ctx context.Context, dir string) bool {
	return a.command(ctx, "/bin/sh", "-c", `cd "$1"`, "sh", dir).Run() == nil
}

// own gives a file or directory to the account.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	if err := os.Chown(path, int(a.credential.Uid), int(a.credential.Gid)); err != nil {
		return fmt.Errorf("give to %s: %w", a.name, err)
	}
	return nil
}

// is reports whether uid is the account's.
func (a account) is(uid int) bool {
	if a.credential == nil {
		return uid == os.Geteuid()
	}
	return uid == int(a.credential.Uid)
}
