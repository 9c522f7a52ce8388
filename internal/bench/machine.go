package bench

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is what the figures were measured on. It does not name it.
type Machine struct {
	Processor  string `json:"processor"`
	Cores      int    `json:"cores"`
	Memory     string `json:"memory"`
	FileSystem string `json:"file_system"`
	Kernel     string `json:"kernel"`
	Go         string `json:"go"`
	Load       string `json:"load_average"` // at the start, of 1, 5 and 15 minutes
}

// String is the machine in a line.
func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, %s, %s, kernel %s, %s, load average %s",
		m.Processor, m.Cores, m.Memory, m.FileSystem, m.Kernel, m.Go, m.Load)
}

// describeMachine looks at the machine, and at the file system of a folder. What the system does not tell stays empty.
func describeMachine(dir string) Machine {
	m := Machine{
		Processor:  field("/proc/cpuinfo", `(?m)^model name\s*: (.*)$`),
		Cores:      runtime.NumCPU(),
		FileSystem: fileSystem(dir),
		Kernel:     strings.TrimSpace(text("/proc/sys/kernel/osrelease")),
		Go:         runtime.Version(),
		Load:       field("/proc/loadavg", `^(\S+ \S+ \S+)`),
	}
	if kib, err := strconv.Atoi(field("/proc/meminfo", `(?m)^MemTotal:\s+(\d+) kB`)); err == nil {
		m.Memory = fmt.Sprintf("%d GiB", (kib+1<<19)>>20)
	}
	return m
}

// text is the content of a file of the system; empty when there is none.
func text(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(content)
}

// field is what the group of a pattern matches in a file.
func field(path, pattern string) string {
	match := regexp.MustCompile(pattern).FindStringSubmatch(text(path))
	if match == nil {
		return ""
	}
	return match[1]
}

// watch says, in the end, how much of the machine others used since it was made.
type watch struct {
	bench   *bench
	began   time.Time
	machine time.Duration
	ours    time.Duration
}

func (b *bench) watch() watch {
	return watch{bench: b, began: time.Now(), machine: machineTime(), ours: b.processorTime()}
}

// busy is the share of all processors that went to other programs, or was taken by the hypervisor, since the beginning.
func (w watch) busy() float64 {
	others := (machineTime() - w.machine) - (w.bench.processorTime() - w.ours)
	return max(0, others.Seconds()/time.Since(w.began).Seconds()/float64(runtime.NumCPU()))
}

// processorTime is what this process and those it started have used.
func (b *bench) processorTime() time.Duration {
	sum := ownTime()
	for _, p := range b.live {
		sum += p.processorTime()
	}
	return sum
}
