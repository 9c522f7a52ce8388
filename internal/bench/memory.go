package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
)

// baseMemory is what a server takes without vehicles, by its goal.
const baseMemory = 150 << 20

// measureMemory looks at the server's memory while its vehicles report: as registering left it, and after a restart.
func (b *bench) measureMemory(ctx context.Context) error {
	f, err := b.needServer(ctx)
	if err != nil {
		return err
	}
	if err := b.weigh(ctx, f, "memory-registered", "memory after registering"); err != nil {
		return err
	}
	if err := f.restart(ctx); err != nil {
		return err
	}
	return b.weigh(ctx, f, "memory", "memory after a restart")
}

func (b *bench) weigh(ctx context.Context, f *server, name, what string) error {
	w := b.watch()
	stop := f.steady().background(ctx)
	for range b.rounds {
		if err := pause(ctx, b.steady); err != nil {
			return err
		}
		resident, err := residentMemory(f.process.command.Process.Pid)
		if err != nil {
			return err
		}
		heap, err := f.metric(ctx, "go_memstats_heap_inuse_bytes")
		if err != nil {
			return err
		}
		beyond := max(0, float64(resident-baseMemory)) / float64(b.Vehicles)
		b.add(name, what+", beyond 150 MiB", "bytes/vehicle", atMost(300), beyond, w.busy())
		b.add(name+"-resident", "  resident", "MiB", nil, float64(resident)/(1<<20), w.busy())
		b.add(name+"-heap", "  of which Go's heap in use", "MiB", nil, heap/(1<<20), w.busy())
	}
	_, err := stop()
	return err
}

// metric reads one of the server's figures, without labels.
func (f *server) metric(ctx context.Context, name string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url()+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, fmt.Errorf("reading the server's metrics: %w", err)
	}
	match := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
	if match == nil {
		return 0, fmt.Errorf("the server has no metric %s", name)
	}
	return strconv.ParseFloat(string(match[1]), 64)
}

// restart stops the server in order and starts it again.
func (f *server) restart(ctx context.Context) error {
	if err := f.bench.stop(f.process); err != nil {
		return err
	}
	return f.start(ctx)
}
