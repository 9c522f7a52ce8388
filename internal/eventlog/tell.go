package eventlog

import (
	"fmt"

	"github.com/nats-io/nats.go"
)

// Tell hands a message on a topic to the nodes of a shared log that hear it now. It is not kept, and may be lost. Without a shared
// log there is nobody to tell.
func (l *Log) Tell(topic string, message []byte) error {
	if l.shared == nil {
		return nil
	}
	if err := l.shared.conn.Publish(l.shared.topic(topic), message); err != nil {
		return fmt.Errorf("telling the other nodes: %w", err)
	}
	return nil
}

// Hear calls fn with what nodes of the shared log tell on a topic, this one too, one message after the other, until the log is closed.
// Without a shared log nothing is told.
func (l *Log) Hear(topic string, fn func(message []byte)) error {
	if l.shared == nil {
		return nil
	}
	_, err := l.shared.conn.Subscribe(l.shared.topic(topic), func(m *nats.Msg) { fn(m.Data) })
	if err != nil {
		return fmt.Errorf("hearing the other nodes: %w", err)
	}
	return nil
}

// topic is the subject of what is told. The stream does not keep it.
func (s *shared) topic(name string) string { return s.config.Stream + "-told." + name }
