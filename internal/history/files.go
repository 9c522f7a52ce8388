package history

import (
	"errors"
	"sync"
)

// files keeps the open files, the least recently used of them closed when they are many.
type files struct {
	disk *disk

	mu    sync.Mutex // guards the following
	open  map[string]*openFile
	clock uint64
}

type openFile struct {
	*table
	users int
	used  uint64
	gone  bool // no longer in files.open
}

// Files take memory while they are open: beside a descriptor, some 100 kB of what is known of their row groups, and for each
// row group that was read some 20 kB of where its pages are.
const (
	maxOpen    = 128 // files that stay open
	maxIndexes = 64  // row groups of a file whose pages stay known; then it is opened anew
)

// get opens a file, or takes the one that is open; the caller calls the function when it is done with it.
func (f *files) get(of *file) (_ *table, done func(), err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.open[of.Name]
	if o != nil && o.indexes.Load() > maxIndexes {
		f.drop(of.Name)
		o = nil
	}
	if o == nil {
		t, err := openTable(f.disk.path(of.Name), of.Name, of.Bytes)
		if err != nil {
			return nil, nil, err
		}
		o = &openFile{table: t}
		if f.open == nil {
			f.open = make(map[string]*openFile)
		}
		f.open[of.Name] = o
		f.trim()
	}
	f.clock++
	o.users, o.used = o.users+1, f.clock
	return o.table, func() { f.put(o) }, nil
}

func (f *files) put(o *openFile) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.users--; o.users == 0 && o.gone {
		_ = o.in.Close() // it was read only
	}
}

// trim closes the file that was not used for longest, when there are too many. f.mu is held.
func (f *files) trim() {
	if len(f.open) <= maxOpen {
		return
	}
	oldest, name := (*openFile)(nil), ""
	for n, o := range f.open {
		if o.users == 0 && o.used > 0 && (oldest == nil || o.used < oldest.used) {
			oldest, name = o, n
		}
	}
	if oldest != nil {
		f.drop(name)
	}
}

// drop forgets a file. f.mu is held.
func (f *files) drop(name string) {
	o := f.open[name]
	if o == nil {
		return
	}
	delete(f.open, name)
	if o.gone = true; o.users == 0 {
		_ = o.in.Close()
	}
}

// forget forgets a file, which is about to be removed or set aside. Who reads it may read on.
func (f *files) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop(name)
}

func (f *files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for name, o := range f.open {
		delete(f.open, name)
		errs = append(errs, o.in.Close())
	}
	return errors.Join(errs...)
}
