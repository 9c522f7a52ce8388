package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Pooled gives the URL of the same database through a PgBouncer that lends a connection for each transaction. It goes with
// the test.
func (s *Server) Pooled(t testing.TB, database string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if program = "/usr/sbin/pgbouncer"; os.IsNotExist(statError(program)) {
			t.Skip("PgBouncer is not installed (on Debian and Ubuntu: sudo apt-get install --no-install-recommends pgbouncer)")
		}
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(s.dir, "pgbouncer-") //nolint:usetesting // another user's
	if err != nil {
		t.Fatal(err)
	}
	users, config := filepath.Join(dir, "users"), filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 5
server_login_retry = 1
`, s.port, port, users)
	for path, text := range map[string]string{users: fmt.Sprintf("%q \"\"\n", Superuser), config: text} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := launch(exec.Command(program, config), filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.stop(syscall.SIGINT) })
	at, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	at.Host = fmt.Sprintf("127.0.0.1:%d", port)
	if err := p.waitFor(func(ctx context.Context) error { return answers(ctx, at.String()) }); err != nil {
		t.Fatal(err)
	}
	return at.String()
}

func answers(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func statError(path string) error {
	_, err := os.Stat(path)
	return err
}
