package eventlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// Shared says where a log is that several nodes write and read: a stream of NATS JetStream servers.
type Shared struct {
	URLs     []string // of the servers: nats://user:password@host:4222, tls://host:4222
	Stream   string   // its name; default "fleetbeat"
	Replicas int      // servers that hold it: an append is acknowledged by most of them. Default 1
	Node     string   // the name of this node, for the servers' own lists

	CredentialsFile string   // of a NATS user (JWT and seed)
	CAFile          string   // certificate authorities of the servers; default the system's
	CertFile        string   // with KeyFile: the certificate of this node
	KeyFile         string   //
	Monitors        []string // the servers' monitoring addresses, http://host:8222, by which it is checked that they sync
}

const (
	defaultStream = "fleetbeat"
	sharedName    = "SHARED" // in a log folder: the id of the shared log that this is the copy of
	fleetKey      = "fleetbeat-log"
	connectWithin = 30 * time.Second
	requestWithin = 2 * time.Second
)

// shared is the connection of a Log to the stream that several nodes write.
//
// The stream holds the records as they are in the folder, at the same positions. A node appends with the position of the
// batch before in hand: when another node came first, the servers refuse, and the node looks at what came before it tries
// again. So the log is one chain, in which times never go back, whoever writes it; and each node keeps a copy of it, from
// which it reads, checked batch by batch as it came.
type shared struct {
	config Shared
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	id     string // of the stream, drawn when it was made
	first  event.Position
	last   event.Position // where the stream ended when we looked

	grown   chan struct{} // holds a token when the tail should look at once
	stop    context.CancelFunc
	copying sync.WaitGroup

	// appending is held by Append and Recover, one at a time. It guards the fields below.
	appending sync.Mutex
	epoch     uint64 // of this node's batches; 0 until the first
	encoder   encoder
}

// openShared connects to the servers and finds the stream, or makes it. It changes nothing on disk.
func openShared(ctx context.Context, config Config) (*shared, error) {
	s := &shared{config: *config.Shared, grown: make(chan struct{}, 1)}
	if s.config.Stream == "" {
		s.config.Stream = defaultStream
	}
	if s.config.Replicas == 0 {
		s.config.Replicas = 1
	}
	conn, err := nats.Connect(strings.Join(s.config.URLs, ","), s.config.options(config)...)
	if err != nil {
		return nil, fmt.Errorf("connecting to the servers of the shared log at %s: %w", s.config.hosts(), err)
	}
	s.conn = conn
	if err := s.open(ctx, config); err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// hosts are those of the URLs, without the passwords.
func (c *Shared) hosts() string {
	var hosts []string
	for _, given := range c.URLs {
		if u, err := url.Parse(given); err == nil {
			hosts = append(hosts, u.Host)
		}
	}
	return strings.Join(hosts, ", ")
}

func (c *Shared) options(config Config) []nats.Option {
	options := []nats.Option{
		nats.Name("fleetbeat " + c.Node),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(100 * time.Millisecond),
		nats.Timeout(requestWithin),
		nats.PingInterval(time.Second),
		nats.MaxPingsOutstanding(2),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				config.Logger.Warn("the connection to the shared log is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			config.Logger.Info("connected to the shared log again", "server", conn.ConnectedServerName())
		}),
	}
	if c.CredentialsFile != "" {
		options = append(options, nats.UserCredentials(c.CredentialsFile))
	}
	if c.CAFile != "" {
		options = append(options, nats.RootCAs(c.CAFile))
	}
	if c.CertFile != "" {
		options = append(options, nats.ClientCert(c.CertFile, c.KeyFile))
	}
	return options
}

// open finds the stream, or makes it. Servers that have just started need some seconds before they agree on a stream.
func (s *shared) open(ctx context.Context, config Config) (err error) {
	if s.js, err = jetstream.New(s.conn); err != nil {
		return fmt.Errorf("connecting to the servers of the shared log: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	for {
		err = s.find(ctx)
		if err == nil || !temporary(err) {
			break
		}
		config.Logger.Info("waiting for the servers of the shared log", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("opening the stream %s: %w", s.config.Stream, err)
		case <-time.After(time.Second):
		}
	}
	if err != nil {
		return fmt.Errorf("opening the stream %s: %w", s.config.Stream, err)
	}
	return s.checkSync(ctx, config)
}

// temporary tells what may pass by itself, as long as servers look for a leader, from what is wrong.
func temporary(err error) bool {
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return true // another node makes it at this moment
	}
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok {
		return refused.Code == http.StatusServiceUnavailable && refused.ErrorCode != jetstream.JSErrCodeJetStreamNotEnabled
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}

func (s *shared) find(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	s.stream, err = s.js.Stream(ctx, s.config.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s.stream, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        s.config.Stream,
			Description: "The log of a fleet of Fleetbeat. Nothing else may publish to it.",
			Subjects:    []string{s.subject()},
			Storage:     jetstream.FileStorage,
			Retention:   jetstream.LimitsPolicy,
			DenyDelete:  true,
			MaxMsgs:     -1,
			MaxBytes:    -1,
			Replicas:    s.config.Replicas,
			AllowDirect: true,
			Metadata:    map[string]string{fleetKey: rand.Text()},
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // by another node, at this moment
			s.stream, err = s.js.Stream(ctx, s.config.Stream)
		}
	}
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount), errors.Is(err, nats.ErrNoResponders):
		return errors.New("JetStream is off on these servers, or for this account")
	case err != nil:
		return err
	}
	return s.check(s.stream.CachedInfo())
}

// check says whether a stream can be our log.
func (s *shared) check(info *jetstream.StreamInfo) error {
	config := info.Config
	s.id = config.Metadata[fleetKey]
	s.first, s.last = event.Position(info.State.FirstSeq), event.Position(info.State.LastSeq)
	switch {
	case s.id == "" || len(config.Subjects) != 1 || config.Subjects[0] != s.subject():
		return fmt.Errorf("%w: it was not made by Fleetbeat; choose another name", ErrForeign)
	case config.Storage != jetstream.FileStorage:
		return errors.New("it is kept in memory and not in files")
	case config.Replicas != s.config.Replicas:
		return fmt.Errorf("it has %d replicas, not %d", config.Replicas, s.config.Replicas)
	case !config.AllowDirect:
		return errors.New("it allows no direct reads")
	case config.PersistMode != jetstream.DefaultPersistMode:
		return errors.New("it does not sync before it acknowledges")
	}
	return nil
}

// subject is where batches are published.
func (s *shared) subject() string { return s.config.Stream + ".log" }

// checkSync asks the servers whether each write is synced before it is acknowledged. Only their monitoring says so.
func (s *shared) checkSync(ctx context.Context, config Config) error {
	if len(s.config.Monitors) == 0 {
		config.Logger.Warn("it is not checked whether the servers of the shared log sync each write: give the addresses of their monitoring")
	}
	for _, monitor := range s.config.Monitors {
		syncs, err := asksSync(ctx, strings.TrimSuffix(monitor, "/")+"/jsz?config=true")
		if err != nil { // it may be down, which is no reason to stay down too
			config.Logger.Warn("it is not checked whether a server of the shared log syncs each write", "monitor", monitor, "error", err)
			continue
		}
		if !syncs {
			return fmt.Errorf("the server at %s acknowledges before it syncs: set sync_interval: always in its jetstream block", monitor)
		}
	}
	return nil
}

func asksSync(ctx context.Context, url string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, requestWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	var said struct {
		Config struct {
			SyncAlways bool `json:"sync_always"`
		} `json:"config"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, response.Body, 1<<20)).Decode(&said); err != nil {
		return false, fmt.Errorf("reading the answer: %w", err)
	}
	return said.Config.SyncAlways, nil
}

// belongs says whether a folder is, or may become, the copy of this log; with no shared log, whether it has one of its own.
func belongs(dir string, s *shared) error {
	data, err := os.ReadFile(filepath.Join(dir, sharedName))
	id := strings.TrimSpace(string(data))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("reading whose copy the log is: %w", err)
	case s == nil && id != "":
		return fmt.Errorf("%w: %s holds the copy of a shared log: give its servers", ErrForeign, dir)
	case s == nil || id == s.id:
		return nil
	case id != "":
		return fmt.Errorf("%w: %s holds the copy of another one", ErrForeign, dir)
	case exists(filepath.Join(dir, storeName)):
		return fmt.Errorf("%w: %s holds a log of its own", ErrForeign, dir)
	}
	return writeFile(filepath.Join(dir, sharedName), []byte(s.id+"\n"))
}

// errMissing: the servers hold less than they acknowledged.
var errMissing = errors.New("acknowledged batches are missing")

// reconcile compares the end of the copy with the stream. When the stream does not reach back to there any more, it gives the
// first batch of the stream, with which the copy begins anew.
//
// A server that has just become the leader may show less than it holds, so a stream that is too short is looked at again for a while.
func (s *shared) reconcile(ctx context.Context, end head) (first *scanned, err error) {
	ctx, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	for {
		if first, err = s.compare(ctx, end); err == nil || errors.Is(err, ErrForeign) && !errors.Is(err, errMissing) {
			return first, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

func (s *shared) compare(ctx context.Context, end head) (first *scanned, _ error) {
	info, err := s.stream.Info(ctx)
	if err == nil {
		err = s.check(info)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking for the stream %s: %w", s.config.Stream, err)
	case end.position > s.last:
		return nil, fmt.Errorf("%w: this node knows it up to position %d, the servers only to %d: %w", ErrForeign, end.position, s.last, errMissing)
	case end.position+1 < s.first:
		return s.batch(ctx, s.first)
	case end.position < s.first || end.position == 0:
		return nil, nil // the next batch says what it follows
	}
	last, err := s.batch(ctx, end.position)
	if err == nil && last.link != end.link {
		err = fmt.Errorf("%w: at position %d it holds another batch than this node knows", ErrForeign, end.position)
	}
	return nil, err
}

// batch asks the servers for one batch.
func (s *shared) batch(ctx context.Context, position event.Position) (*scanned, error) {
	message, err := s.stream.GetMsg(ctx, uint64(position))
	if err != nil {
		return nil, fmt.Errorf("reading batch %d of the shared log: %w", position, err)
	}
	batch, h, err := openShareable(message.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: batch %d: %w", ErrForeign, position, err)
	}
	return &scanned{batch: batch, header: h, link: h.link(batch), time: message.Time.UnixNano()}, nil
}

func openShareable(record []byte) ([]byte, header, error) {
	batch, length, err := openRecord(record)
	if err == nil && length != len(record) {
		err = errors.New("bytes follow the record")
	}
	if err != nil {
		return nil, header{}, err
	}
	h, err := readHeader(batch)
	return batch, h, err
}

func (s *shared) close() {
	if s.stop != nil {
		s.stop()
	}
	s.copying.Wait()
	s.conn.Close()
}
