package eventlog

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// untriedFileSystem names the file system of a folder when the log is known not to be safe on it or was never tried there.
// On ext4 and XFS a file's name is saved with its first fsync; others may lose the name of a new block file.
func untriedFileSystem(dir string) (name string, untried bool, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", false, fmt.Errorf("asking for the file system of %s: %w", dir, err)
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC:
		return "", false, nil
	case unix.TMPFS_MAGIC:
		return "tmpfs", true, nil
	}
	return fmt.Sprintf("type %#x", st.Type), true, nil
}

// DiskSpace is how much this process may still write on the disk of dir, and how large the disk is, in bytes.
func DiskSpace(dir string) (free, total uint64, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, 0, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	return st.Bavail * uint64(st.Bsize), st.Blocks * uint64(st.Bsize), nil
}
