package checksummed

import (
	"reflect"
	"testing"
)

type note struct {
	Text    string `json:"text"`
	Numbers []int  `json:"numbers"`
}

func TestWhatIsWrittenIsReadAndNothingElse(t *testing.T) {
	want := note{Text: "åäö\n", Numbers: []int{1, -2}}
	data, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	var got note
	if err := Decode(data, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v, %v; written %+v", got, err, want)
	}
	for length := range data {
		if err := Decode(data[:length], &got); err == nil {
			t.Errorf("the first %d bytes of %d are read as a whole", length, len(data))
		}
	}
	for i := range data {
		damaged := append([]byte(nil), data...)
		damaged[i] ^= 1
		if err := Decode(damaged, &got); err == nil {
			t.Errorf("a bit that flipped in byte %d is not seen", i)
		}
	}
	if err := Decode(append(data, '\n'), &got); err == nil {
		t.Error("more than was written is read")
	}
}
