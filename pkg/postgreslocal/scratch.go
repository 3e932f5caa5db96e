package postgreslocal

import (
	"os"
	"syscall"
)

const (
	// memory is where Linux has a file system in memory for everyone.
	memory = "/dev/shm"
	// memoryNeeded is more than a test run's databases take: containers often have 64 MiB there.
	memoryNeeded = 4 << 30
)

// ScratchDir returns the directory for the data of ephemeral servers: in memory where there is room, else that for temporary files. A database
// is about a thousand small files, which are made ten times as fast in memory as on a disk that others use too. TMPDIR overrides it.
func ScratchDir() string {
	var stat syscall.Statfs_t
	if os.Getenv("TMPDIR") != "" || syscall.Statfs(memory, &stat) != nil {
		return os.TempDir()
	}
	if uint64(stat.Bsize)*stat.Bavail < memoryNeeded { // a block size is positive
		return os.TempDir()
	}
	return memory
}
