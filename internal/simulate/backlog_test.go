package simulate

import "testing"

func TestBacklogGivesUpTheOldest(t *testing.T) {
	b := newBacklog(5)
	batch := func(from, to int64) (messages []Message) {
		for n := from; n < to; n++ {
			messages = append(messages, Message{Sequence: n})
		}
		return messages
	}
	if dropped := b.put(batch(0, 4)); dropped != 0 {
		t.Errorf("dropped %d of 4", dropped)
	}
	if dropped := b.put(batch(4, 7)); dropped != 2 {
		t.Errorf("dropped %d of 7", dropped)
	}
	into := make([]Message, 0, 3)
	next := int64(2)
	for round := range int64(1000) {
		into = b.take(into)
		for _, m := range into {
			if m.Sequence != next {
				t.Fatalf("took %d, want %d", m.Sequence, next)
			}
			next++
		}
		if dropped := b.put(batch(7+3*round, 10+3*round)); dropped != 0 {
			t.Fatalf("dropped %d", dropped)
		}
	}
	if cap(b.messages) > 100 {
		t.Errorf("room for %d messages of 5", cap(b.messages))
	}
	b.close()
	if n := len(b.take(into)) + len(b.take(into)) + len(b.take(into)); n != 5 {
		t.Errorf("%d were left", n)
	}
}

func TestClosedBacklogReleasesThoseWhoWait(t *testing.T) {
	b := newBacklog(5)
	taken := make(chan int)
	for range 10 {
		go func() { taken <- len(b.take(make([]Message, 0, 1))) }()
	}
	b.close()
	for range 10 {
		if n := <-taken; n != 0 {
			t.Errorf("took %d from nothing", n)
		}
	}
}
