package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit in which Linux tells processor times, on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// machineTime is how long the processors were busy since the machine started, summed up; with what the hypervisor took.
func machineTime() time.Duration {
	fields := strings.Fields(field("/proc/stat", `(?m)^cpu +(.*)$`))
	sum := 0
	for i, f := range fields {
		if n, err := strconv.Atoi(f); err == nil && i != 3 && i != 4 && i < 8 { // not idle, waiting for disk, nor guests, who are users
			sum += n
		}
	}
	return time.Duration(sum) * tick
}

// ownTime is the processor time of this process, and of children that have ended.
func ownTime() time.Duration { return usage(unix.RUSAGE_SELF) + usage(unix.RUSAGE_CHILDREN) }

// threadTime is the processor time of the calling thread.
func threadTime() (time.Duration, error) { return usage(unix.RUSAGE_THREAD), nil }

func usage(who int) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(who, &u); err != nil {
		return 0 // it cannot fail for these
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processTime is the processor time of a running process, 0 when it has ended.
func processTime(pid int) time.Duration {
	// The second field is a name in brackets that may hold anything; utime and stime are the 14th and 15th.
	stat := text(fmt.Sprintf("/proc/%d/stat", pid))
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick
}

// residentMemory is the memory of a running process that is in use, in bytes.
func residentMemory(pid int) (int64, error) {
	kib, err := strconv.ParseInt(field(fmt.Sprintf("/proc/%d/status", pid), `(?m)^VmRSS:\s+(\d+) kB`), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	return kib << 10, nil
}

// giveWay makes this process one that does not interrupt others when it has something to do, until what it returns is
// called. Vehicles are elsewhere: without this, each answer would take the processor from the server that sends the next.
func giveWay() (stop func()) {
	setPolicy(unix.SCHED_BATCH)
	return func() { setPolicy(unix.SCHED_NORMAL) }
}

// setPolicy sets the scheduling policy of all threads. Those that begin later have it from the thread that begins them.
func setPolicy(policy uint32) {
	threads, _ := os.ReadDir("/proc/self/task") // without it, figures are somewhat lower
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy}, 0)
		}
	}
}

// fileSystem is the name of the file system of a folder.
func fileSystem(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return ""
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "XFS"
	case unix.BTRFS_SUPER_MAGIC:
		return "Btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	}
	return fmt.Sprintf("file system %#x", st.Type)
}
