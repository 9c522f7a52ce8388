package eventlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const (
	streamName = "log"
	// subject is written with every batch, so it is short. The block reader looks for it after damage.
	subject = "b"
	// maxRecord is the largest message: NATS's own bound for a JetStream message is one block of 8 MiB.
	maxRecord = 8 << 20
	// readyWithin bounds the start of the embedded server, its reading of all blocks included.
	readyWithin = 10 * time.Minute
)

// store is an embedded nats-server with one stream, reached in process: it opens no port.
type store struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
}

// streamDir is where JetStream keeps the stream of a store.
func streamDir(storeDir string) string {
	return filepath.Join(storeDir, "jetstream", "$G", "streams", streamName)
}

// msgsDir is where JetStream keeps the blocks of a store.
func msgsDir(storeDir string) string { return filepath.Join(streamDir(storeDir), "msgs") }

// openStore starts a server on a folder. With durable set, a publish is acknowledged only once it is on disk; without,
// the caller syncs.
func openStore(ctx context.Context, dir string, durable bool, logger *slog.Logger) (_ *store, err error) {
	s := &store{}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.server, err = server.NewServer(&server.Options{
		ServerName:             "fleetbeat-log",
		JetStream:              true,
		StoreDir:               dir,
		SyncAlways:             durable,
		MaxPayload:             maxRecord,
		JetStreamMaxStore:      1 << 60, // the disk decides, and Config.Reserve; the default is a share of what is free now
		JetStreamMaxMemory:     1 << 20,
		DontListen:             true,
		NoSigs:                 true,
		DisableJetStreamBanner: true,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the embedded server: %w", err)
	}
	s.server.SetLoggerV2(serverLog{logger}, false, false, false)
	s.server.Start()
	if !s.server.ReadyForConnections(readyWithin) {
		return nil, errors.New("the embedded server did not start")
	}
	if config := s.server.JetStreamConfig(); config == nil || config.SyncAlways != durable {
		return nil, errors.New("the embedded server runs without its log or does not sync it as told")
	}
	s.conn, err = nats.Connect("", nats.InProcessServer(s.server), nats.NoReconnect())
	if err != nil {
		return nil, fmt.Errorf("connecting to the embedded server: %w", err)
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		return nil, fmt.Errorf("connecting to the embedded server: %w", err)
	}
	return s, s.openStream(ctx)
}

// openVerified starts a server on a folder whose blocks were verified, and checks that it sees the same.
// If it does not, its index is to blame, which only repeats what the blocks say: without it the server reads the blocks.
func openVerified(ctx context.Context, dir string, verified head, durable bool, logger *slog.Logger) (*store, error) {
	s, err := openStore(ctx, dir, durable, logger)
	if err != nil {
		return nil, err
	}
	err = s.checkView(ctx, verified.dropped, verified.position)
	if err == nil {
		return s, nil
	}
	s.close()
	logger.Warn("JetStream's index of the log is wrong and is made anew", "error", err)
	if err := removeIndex(dir); err != nil {
		return nil, err
	}
	if s, err = openStore(ctx, dir, durable, logger); err != nil {
		return nil, err
	}
	if err := s.checkView(ctx, verified.dropped, verified.position); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// removeIndex removes JetStream's index of the blocks of a store, without which it reads them.
func removeIndex(storeDir string) error {
	if err := os.Remove(filepath.Join(msgsDir(storeDir), "index.db")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing JetStream's index: %w", err)
	}
	return nil
}

func (s *store) openStream(ctx context.Context) (err error) {
	config := jetstream.StreamConfig{
		Name:       streamName,
		Subjects:   []string{subject},
		Storage:    jetstream.FileStorage,
		Retention:  jetstream.LimitsPolicy,
		DenyDelete: true,
		MaxMsgs:    -1,
		MaxBytes:   -1,
		Replicas:   1,
	}
	s.stream, err = s.js.Stream(ctx, streamName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s.stream, err = s.js.CreateStream(ctx, config)
	}
	if err != nil {
		return fmt.Errorf("opening the stream: %w", err)
	}
	if s.stream.CachedInfo().Config.PersistMode != jetstream.DefaultPersistMode {
		return errors.New("the stream does not sync before it acknowledges")
	}
	return nil
}

// checkView says whether the server sees the log from behind what was dropped to last, and nothing missing in it.
func (s *store) checkView(ctx context.Context, dropped, last event.Position) error {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("asking the embedded server for its view: %w", err)
	}
	st := info.State
	if st.LastSeq != uint64(last) || st.Msgs != uint64(last-dropped) || st.NumDeleted != 0 || last > 0 && st.FirstSeq != uint64(dropped+1) {
		return fmt.Errorf("the embedded server sees positions %d to %d, %d batches, where %d to %d were verified",
			st.FirstSeq, st.LastSeq, st.Msgs, dropped+1, last)
	}
	return nil
}

// drop removes every record before a position.
func (s *store) drop(ctx context.Context, first event.Position) error {
	if err := s.stream.Purge(ctx, jetstream.WithPurgeSequence(uint64(first))); err != nil {
		return fmt.Errorf("dropping what is before position %d: %w", first, err)
	}
	return nil
}

// publish stores one record and gives its position. It is durable when the store is.
func (s *store) publish(ctx context.Context, record []byte) (event.Position, error) {
	ack, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: subject, Data: record}, jetstream.WithRetryAttempts(0))
	if err != nil {
		return 0, err
	}
	return event.Position(ack.Sequence), nil
}

func (s *store) close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
}

// serverLog hands what the embedded server says to slog: its notices are our debug.
type serverLog struct{ logger *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.log(slog.LevelDebug, format, v) }
func (l serverLog) Warnf(format string, v ...any)   { l.log(slog.LevelWarn, format, v) }
func (l serverLog) Errorf(format string, v ...any)  { l.log(slog.LevelError, format, v) }
func (l serverLog) Fatalf(format string, v ...any)  { l.log(slog.LevelError, format, v) }
func (l serverLog) Debugf(format string, v ...any)  { l.log(slog.LevelDebug, format, v) }
func (l serverLog) Tracef(format string, v ...any)  { l.log(slog.LevelDebug, format, v) }

func (l serverLog) log(level slog.Level, format string, v []any) {
	if l.logger.Enabled(context.Background(), level) {
		l.logger.Log(context.Background(), level, "the embedded server says", "text", fmt.Sprintf(format, v...))
	}
}
