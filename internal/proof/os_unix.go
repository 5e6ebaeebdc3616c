//go:build unix

package proof

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

const (
	freezeSignal = syscall.SIGSTOP
	thawSignal   = syscall.SIGCONT
)

func unmount(path string) error { return syscall.Unmount(path, 0) }

// asUnprivileged lets a command run as a user who is not root, because PostgreSQL refuses to run as root, and gives it the folder. It does
// nothing for who is not root; why not is "" when it works.
func asUnprivileged(dir string) (prepare func(*exec.Cmd), whyNot string) {
	if os.Geteuid() != 0 {
		return func(*exec.Cmd) {}, ""
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 != nil || err2 != nil || os.Chown(dir, int(uid), int(gid)) != nil {
			continue
		}
		return func(c *exec.Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}, ""
	}
	return nil, "PostgreSQL does not run as root, and there is no other user"
}
