package ingest

import (
	"fmt"
	"testing"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestUnregisteredAreListedLastHeardFirst(t *testing.T) {
	u := NewUnregistered(UnregisteredConfig{})
	for i, id := range []string{"a", "b", "c", "a"} {
		u.note([]byte(id), event.Time(i+1))
	}
	page, next := u.Page(0, 2)
	if len(page) != 2 || page[0].ID != "a" || page[0].Count != 2 || page[0].First != 1 || page[0].Last != 4 || page[1].ID != "c" || next == 0 {
		t.Fatalf("first page: %+v, %d", page, next)
	}
	if page, next = u.Page(next, 2); len(page) != 1 || page[0].ID != "b" || next != 0 {
		t.Errorf("second page: %+v, %d", page, next)
	}
	u.Forget("b")
	u.Forget("never heard")
	if u.Len() != 2 {
		t.Errorf("%d are left", u.Len())
	}
}

func TestUnregisteredOfSeveralNodesMakeOneList(t *testing.T) {
	here, there := NewUnregistered(UnregisteredConfig{}), NewUnregistered(UnregisteredConfig{})
	here.note([]byte("a"), 5)
	for i, id := range []string{"a", "b", "a"} {
		there.note([]byte(id), event.Time(i+1))
	}
	here.Add(there.News())
	if news := there.News(); len(news) != 0 {
		t.Errorf("told again: %+v", news)
	}
	there.note([]byte("b"), 9)
	here.Add(there.News())
	page, _ := here.Page(0, 10)
	if len(page) != 2 || page[0].ID != "b" || page[0].Count != 2 || page[0].Last != 9 ||
		page[1].ID != "a" || page[1].Count != 3 || page[1].First != 1 || page[1].Last != 5 {
		t.Errorf("%+v", page)
	}
	if news := here.News(); len(news) != 1 || news[0].ID != "a" || news[0].Count != 1 {
		t.Errorf("told of what others heard: %+v", news)
	}
}

func TestUnregisteredForgetsTheOneNotHeardForLongest(t *testing.T) {
	u := NewUnregistered(UnregisteredConfig{Limit: 100})
	for i := range 250 {
		u.note([]byte("always"), event.Time(i))
		u.note(fmt.Append(nil, i), event.Time(i))
	}
	page, _ := u.Page(0, 1000)
	if len(page) != 100 || page[1].ID != "always" || page[1].Count != 250 || page[99].ID != "151" {
		t.Errorf("%d, from %+v to %+v", len(page), page[1], page[len(page)-1])
	}
}
