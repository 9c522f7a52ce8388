package proof

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

// The tree's hashes are kept in two files of 32-byte hashes, both only ever appended to:
//
//   - leaves holds the hash of each leaf, in order.
//   - nodes holds the hash of each complete chunk of 256 leaves and of everything above, in the order of package tlog for
//     a tree whose records are the chunks. What lies between is computed from the at most 256 leaves below it.
//
// So a batch costs 32.25 bytes. There are no checksums: the signed root tells whether a hash is right.
const (
	chunkLevel = 8
	chunkSize  = 1 << chunkLevel
)

// levels reads the hashes of a tree from where its leaves and its nodes are.
type levels struct {
	leaves func(from, to int64) ([]tlog.Hash, error)
	node   func(index int64) (tlog.Hash, error)
}

// ReadHashes is what package tlog asks for: hashes by their index in a tree that has all levels.
func (l levels) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		var err error
		if level >= chunkLevel {
			hashes[i], err = l.node(tlog.StoredHashIndex(level-chunkLevel, n))
		} else {
			hashes[i], err = l.below(level, n)
		}
		if err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// below computes a hash within a chunk.
func (l levels) below(level int, n int64) (tlog.Hash, error) {
	leaves, err := l.leaves(n<<level, (n+1)<<level)
	if err != nil {
		return tlog.Hash{}, err
	}
	return subtree(leaves), nil
}

// subtree is the hash over leaves, as many as a power of two; it uses them up.
func subtree(leaves []tlog.Hash) tlog.Hash {
	for len(leaves) > 1 {
		for i := range len(leaves) / 2 {
			leaves[i] = tlog.NodeHash(leaves[2*i], leaves[2*i+1])
		}
		leaves = leaves[:len(leaves)/2]
	}
	return leaves[0]
}

// grown is a tree in memory that is only ever asked for its newest root: 64 bytes for each chunk of leaves.
type grown struct {
	size  int64
	chunk []tlog.Hash // the leaves behind the last complete chunk
	nodes []tlog.Hash
}

func (g *grown) add(leaf tlog.Hash) error {
	g.chunk = append(g.chunk, leaf)
	g.size++
	if len(g.chunk) < chunkSize {
		return nil
	}
	added, err := tlog.StoredHashesForRecordHash(g.size/chunkSize-1, subtree(g.chunk), tlog.HashReaderFunc(g.readNodes))
	g.nodes, g.chunk = append(g.nodes, added...), g.chunk[:0]
	return err
}

func (g *grown) readNodes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = g.nodes[index]
	}
	return hashes, nil
}

func (g *grown) root() (tlog.Hash, error) {
	return tlog.TreeHash(g.size, levels{
		leaves: func(from, to int64) ([]tlog.Hash, error) {
			first := g.size - int64(len(g.chunk))
			return append([]tlog.Hash(nil), g.chunk[from-first:to-first]...), nil
		},
		node: func(index int64) (tlog.Hash, error) { return g.nodes[index], nil },
	})
}

// files is a tree on disk. One goroutine adds; what was added before may be read by others at the same time.
type files struct {
	leaves, nodes *os.File
	size          int64
	chunk         []tlog.Hash // the leaves behind the last complete chunk, as they are on disk
}

func openFiles(dir string) (*files, error) {
	leaves, err := os.OpenFile(filepath.Join(dir, leavesName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, fmt.Errorf("opening the tree: %w", err)
	}
	nodes, err := os.OpenFile(filepath.Join(dir, nodesName), os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the tree: %w", err), leaves.Close())
	}
	return &files{leaves: leaves, nodes: nodes}, nil
}

// cut makes the tree one of the first size leaves, which must be on disk.
func (f *files) cut(size int64) error {
	chunk, err := f.readLeaves(size-size%chunkSize, size)
	if err == nil {
		err = f.leaves.Truncate(size * tlog.HashSize)
	}
	if err == nil {
		err = f.nodes.Truncate(tlog.StoredHashCount(size/chunkSize) * tlog.HashSize)
	}
	if err != nil {
		return fmt.Errorf("cutting the tree to %d leaves: %w", size, err)
	}
	f.size, f.chunk = size, chunk
	return nil
}

// regrow makes the tree one of the first size leaves, which must be on disk, and everything above them anew.
func (f *files) regrow(size int64) error {
	if err := f.nodes.Truncate(0); err != nil {
		return err
	}
	for n := range size / chunkSize {
		leaves, err := f.readLeaves(n*chunkSize, (n+1)*chunkSize)
		if err != nil {
			return err
		}
		if err := f.addChunk(n, subtree(leaves)); err != nil {
			return err
		}
	}
	return f.cut(size)
}

// add adds a leaf. When it fails, the tree is as it was.
func (f *files) add(leaf tlog.Hash) error {
	if _, err := f.leaves.WriteAt(leaf[:], f.size*tlog.HashSize); err != nil {
		return fmt.Errorf("writing a leaf: %w", err)
	}
	chunk := append(f.chunk, leaf)
	if len(chunk) == chunkSize {
		if err := f.addChunk(f.size/chunkSize, subtree(append([]tlog.Hash(nil), chunk...))); err != nil {
			return fmt.Errorf("writing the hash of a chunk: %w", err)
		}
		chunk = chunk[:0]
	}
	f.chunk = chunk
	f.size++
	return nil
}

func (f *files) addChunk(n int64, hash tlog.Hash) error {
	added, err := tlog.StoredHashesForRecordHash(n, hash, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			var err error
			if hashes[i], err = f.readNode(index); err != nil {
				return nil, err
			}
		}
		return hashes, nil
	}))
	if err != nil {
		return err
	}
	data := make([]byte, 0, len(added)*tlog.HashSize)
	for _, h := range added {
		data = append(data, h[:]...)
	}
	_, err = f.nodes.WriteAt(data, tlog.StoredHashIndex(0, n)*tlog.HashSize)
	return err
}

func (f *files) levels() levels { return levels{f.readLeaves, f.readNode} }

func (f *files) readLeaves(from, to int64) ([]tlog.Hash, error) {
	return readLeaves(f.leaves, from, to)
}

func (f *files) readNode(index int64) (h tlog.Hash, err error) {
	_, err = f.nodes.ReadAt(h[:], index*tlog.HashSize)
	return h, err
}

func readLeaves(file io.ReaderAt, from, to int64) ([]tlog.Hash, error) {
	if to == from {
		return nil, nil
	}
	data := make([]byte, (to-from)*tlog.HashSize)
	if _, err := file.ReadAt(data, from*tlog.HashSize); err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, to-from)
	for i := range hashes {
		hashes[i] = tlog.Hash(data[i*tlog.HashSize:])
	}
	return hashes, nil
}

func (f *files) sync() error { return errors.Join(f.leaves.Sync(), f.nodes.Sync()) }

func (f *files) close() error { return errors.Join(f.leaves.Close(), f.nodes.Close()) }
