package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// build says what stands in the images beside the binary.
type build struct {
	version, revision string
	created           time.Time
}

// user owns the data folder and runs the server: the number that minimal images use for a user without rights.
const user = 65532

const (
	binaryPath = "usr/local/bin/fleetbeat"
	dataPath   = "var/lib/fleetbeat"
)

// index makes an image of each binary, given as ARCH=PATH, shows it, and puts all under one name.
func (b *build) index(binaries []string, show func(arch string, image v1.Image) error) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, given := range binaries {
		arch, path, ok := strings.Cut(given, "=")
		if !ok {
			return nil, fmt.Errorf("%q is not of the form ARCH=BINARY", given)
		}
		image, err := b.image(arch, path)
		if err != nil {
			return nil, fmt.Errorf("the image for %s: %w", arch, err)
		}
		if err := show(arch, image); err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: arch}},
		})
	}
	return index, nil
}

func (b *build) image(arch, binary string) (v1.Image, error) {
	files, err := b.files(binary)
	if err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(files)), nil
	}, tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: b.created}, CreatedBy: "make image"},
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = "linux", arch, v1.Time{Time: b.created}
	config.Config = b.config()
	return mutate.ConfigFile(image, config)
}

func (b *build) config() v1.Config {
	return v1.Config{
		User:       fmt.Sprintf("%d:%d", user, user),
		Entrypoint: []string{"/" + binaryPath},
		Cmd:        []string{"serve"},
		WorkingDir: "/" + dataPath,
		Env: []string{
			"PATH=/usr/local/bin",
			"FLEETBEAT_HTTP=0.0.0.0:8080",
			"FLEETBEAT_DATA=/" + dataPath,
		},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Volumes:      map[string]struct{}{"/" + dataPath: {}},
		StopSignal:   "SIGTERM",
		// A start reads the tail of the log, and after damage all of it: only then is it ready.
		Healthcheck: &v1.HealthConfig{
			Test:     []string{"CMD", "/" + binaryPath, "healthcheck"},
			Interval: 10 * time.Second, Timeout: 5 * time.Second, StartPeriod: 10 * time.Minute, Retries: 3,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "Fleetbeat",
			"org.opencontainers.image.description": "Which vehicles are connected, now and at any past moment, with proof",
			"org.opencontainers.image.version":     b.version,
			"org.opencontainers.image.revision":    b.revision,
			"org.opencontainers.image.created":     b.created.Format(time.RFC3339),
			"org.opencontainers.image.licenses":    "Apache-2.0",
		},
	}
}

// files is the one layer: an archive of the binary and the empty data folder, everything as old as the commit.
func (b *build) files(binary string) ([]byte, error) {
	content, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	add := func(h tar.Header, content []byte) {
		if err != nil {
			return
		}
		h.ModTime, h.Format, h.Size = b.created, tar.FormatPAX, int64(len(content))
		if err = w.WriteHeader(&h); err == nil {
			_, err = w.Write(content)
		}
	}
	for _, dir := range []string{"usr/", "usr/local/", "usr/local/bin/", "var/", "var/lib/"} {
		add(tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}, nil)
	}
	add(tar.Header{Typeflag: tar.TypeReg, Name: binaryPath, Mode: 0o755}, content)
	add(tar.Header{Typeflag: tar.TypeDir, Name: dataPath + "/", Mode: 0o750, Uid: user, Gid: user}, nil)
	if err == nil {
		err = w.Close()
	}
	return out.Bytes(), err
}
