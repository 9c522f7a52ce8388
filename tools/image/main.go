// Command image makes Fleetbeat's container image without a container engine: one static binary for each architecture and
// an empty data folder, nothing else. From the same binaries and the same commit come the same bytes.
//
//	image build --out DIR --version V --revision HASH --created UNIX amd64=BINARY arm64=BINARY
//	image push --from DIR REFERENCE...
//
// build writes an OCI layout of all architectures to DIR, and beside it DIR-ARCH.tar files for `docker load`. push sends the
// layout to registries, with the logins that docker and podman know.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: image build --out DIR --version V --revision HASH --created UNIX ARCH=BINARY... | image push --from DIR REFERENCE...")

func run(args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	switch args[0] {
	case "build":
		var b build
		var created int64
		out := flags.String("out", "", "folder of the OCI layout")
		flags.StringVar(&b.version, "version", "dev", "version of the program")
		flags.StringVar(&b.revision, "revision", "", "commit")
		flags.Int64Var(&created, "created", 0, "Unix time of the commit")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if *out == "" || flags.NArg() == 0 {
			return errUsage
		}
		b.created = time.Unix(created, 0).UTC()
		return b.write(*out, flags.Args())
	case "push":
		from := flags.String("from", "", "folder of the OCI layout")
		if err := flags.Parse(args[1:]); err != nil {
			return err
		}
		if *from == "" || flags.NArg() == 0 {
			return errUsage
		}
		return push(*from, flags.Args())
	}
	return errUsage
}

// write writes the index of the images of all binaries, given as ARCH=PATH.
func (b *build) write(out string, binaries []string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	index, err := b.index(binaries, func(arch string, image v1.Image) error {
		tag, err := name.NewTag("fleetbeat:" + tagOf(b.version))
		if err != nil {
			return err
		}
		return tarball.WriteToFile(out+"-"+arch+".tar", tag, image)
	})
	if err != nil {
		return err
	}
	written, err := layout.Write(out, index)
	if err != nil {
		return err
	}
	made, err := written.ImageIndex()
	if err != nil {
		return err
	}
	digest, err := made.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", filepath.Clean(out), digest)
	return nil
}

// tagOf is a version as a tag may say it.
func tagOf(version string) string { return strings.ReplaceAll(version, "+", "-") }

// push sends the layout to each reference.
func push(from string, references []string) error {
	path, err := layout.FromPath(from)
	if err != nil {
		return fmt.Errorf("reading %s, which make image writes: %w", from, err)
	}
	index, err := path.ImageIndex()
	if err != nil {
		return err
	}
	for _, reference := range references {
		ref, err := name.ParseReference(reference)
		if err != nil {
			return err
		}
		if err := remote.WriteIndex(ref, index, remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
			return fmt.Errorf("pushing to %s: %w", reference, err)
		}
		digest, err := index.Digest()
		if err != nil {
			return err
		}
		fmt.Printf("%s@%s\n", ref.Name(), digest)
	}
	return nil
}
