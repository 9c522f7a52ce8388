// Package postgrestest starts a real PostgreSQL in a test, and a real PgBouncer before it, and gives databases that
// nothing is in. A test is skipped, in one line, where they are not installed.
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience bounds how long a server may take to start, or to stop.
const patience = 30 * time.Second

// Superuser is a user who needs no password. All others do.
const Superuser = "postgres"

// Shared is the one server of a test binary: it is started for the first test that asks for it. Its Close belongs into
// TestMain.
type Shared struct {
	mu      sync.Mutex // guards all below
	started bool
	server  *Server
	err     error
}

// Server is the server, or the test is skipped.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.server, s.err = start()
	}
	if errors.Is(s.err, errMissing) {
		t.Skip(s.err)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

// Close stops the server, if it was started, and removes its files.
func (s *Shared) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.close()
	}
}

// Server is a PostgreSQL on a free port of this machine.
type Server struct {
	dir  string // of its files; the user that it runs as may enter
	bin  string
	port int

	mu      sync.Mutex // guards all below
	process *process
	made    int      // databases
	free    []string // those that no test uses
}

var errMissing = errors.New("PostgreSQL is not installed (on Debian and Ubuntu: sudo apt-get install --no-install-recommends postgresql)")

func start() (_ *Server, err error) {
	s := &Server{}
	if s.bin, err = findPostgres(); err != nil {
		return nil, err
	}
	if s.dir, err = makeFolder(); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	initdb := exec.Command(filepath.Join(s.bin, "initdb"), "--pgdata", s.data(), "--username", Superuser, "--encoding", "UTF8", "--no-locale", "--no-sync", "--auth", "trust")
	if err := runAs(initdb); err != nil {
		return nil, err
	}
	entry := fmt.Sprintf("host all %s 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n", Superuser)
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(entry), 0o644); err != nil {
		return nil, err
	}
	return s, s.launch()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// launch starts the process and returns when it answers.
func (s *Server) launch() error {
	settings := []string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-h", "127.0.0.1"}
	for _, setting := range []string{"unix_socket_directories=", "fsync=off", "full_page_writes=off", "max_connections=300", "shared_buffers=64MB"} {
		settings = append(settings, "-c", setting)
	}
	process, err := launch(exec.Command(filepath.Join(s.bin, "postgres"), settings...), filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	s.process = process
	return process.waitFor(func(ctx context.Context) error { return s.execute(ctx, "postgres", "SELECT 1") })
}

// execute runs statements as the superuser.
func (s *Server) execute(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, s.url(s.port, database))
	if err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", statement, err), conn.Close(ctx))
		}
	}
	return conn.Close(ctx)
}

func (s *Server) url(port int, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", Superuser, port, database)
}

// Database gives the URL of a database in which nothing is, for as long as the test runs. Making one takes longer than
// many a test, so that it is cleared and used again.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var name string
	if n := len(s.free); n > 0 {
		name, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.made++
		name = fmt.Sprintf("test_%d", s.made)
		s.Execute(t, "CREATE DATABASE "+name+" TEMPLATE template0")
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if s.clear(ctx, name) == nil { // else it goes with the server
			s.mu.Lock()
			defer s.mu.Unlock()
			s.free = append(s.free, name)
		}
	})
	return s.url(s.port, name)
}

// clear takes everything out of a database, and everybody.
func (s *Server) clear(ctx context.Context, database string) error {
	return s.execute(ctx, database,
		"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
		"DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
}

// Execute runs a statement as the superuser, in a database that no test uses.
func (s *Server) Execute(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience) // a cleanup may run it
	defer cancel()
	if err := s.execute(ctx, "postgres", statement); err != nil {
		t.Fatal(err)
	}
}

// Address is where the server listens.
func (s *Server) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Stop stops the server, until Start; all connections to it break.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.stop(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}

// Start starts a server that was stopped, with its data, at the same address.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.launch(); err != nil {
		t.Fatal(err)
	}
}

// Freeze keeps the server from doing anything, until Thaw; connections to it stay.
func (s *Server) Freeze(t testing.TB) { s.signal(t, syscall.SIGSTOP) }

// Thaw ends Freeze.
func (s *Server) Thaw(t testing.TB) { s.signal(t, syscall.SIGCONT) }

// signal reaches all processes of the server.
func (s *Server) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.process.signalAll(signal); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.process.stop(syscall.SIGQUIT)
	_ = os.RemoveAll(s.dir)
}

// findPostgres is the folder of the newest PostgreSQL's programs.
func findPostgres() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return "", errMissing
	}
	return filepath.Dir(slices.Max(found)), nil
}

// makeFolder makes a folder that belongs to whom the servers run as.
func makeFolder() (string, error) {
	dir, err := os.MkdirTemp("", "postgrestest-")
	if err != nil {
		return "", err
	}
	who, err := account()
	if who != nil {
		err = os.Chown(dir, int(who.Uid), int(who.Gid))
	}
	return dir, err
}

// account is who the servers run as: they refuse to run as root. nil is ourselves.
func account() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMissing, err)
	}
	uid, err := strconv.ParseUint(who.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(who.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
