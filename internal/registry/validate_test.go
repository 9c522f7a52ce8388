package registry

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

func TestVIN(t *testing.T) {
	for _, c := range []struct{ vin, reason string }{
		{"YS2R4X20005399401", ""},
		{"VLUR4X20009093588", ""}, // a real one; its ninth character is no check digit
		{"1M8GDM9AXKP042788", ""},
		{"1M8GDM9A1KP042788", ""}, // a wrong check digit is a warning
		{"d", ""},
		{"device:42@site#7?x=1&y=%2f", ""},
		{"tracker-0007-lower", ""},
		{"i.o.q", ""},
		{"...a", ""},
		{strings.Repeat("x", 64), ""},
		{"", "is missing"},
		{strings.Repeat("x", 65), "is longer than 64 characters"},
		{".", "is only dots"},
		{"..", "is only dots"},
		{".................", "is only dots"},
		{"a/b", "has a slash"},
		{"a b", "has a character that is not visible ASCII"},
		{"a\x00b", "has a character that is not visible ASCII"},
		{"a\x7f", "has a character that is not visible ASCII"},
		{"bil-å", "has a character that is not visible ASCII"},
		{"bad-\xff", "has a character that is not visible ASCII"},
		{"YS2R4X2000539940I", "has the letter I, which no VIN of 17 characters has"},
		{"OS2R4X20005399401", "has the letter O, which no VIN of 17 characters has"},
		{"YS2R4X2000539Q401", "has the letter Q, which no VIN of 17 characters has"},
		{"ys2R4X20005399401", "has the lower-case letter y; a VIN of 17 characters has capitals only"},
		{"YS2R4X2000539940-", "has the character -; a VIN of 17 characters has letters and digits only"},
	} {
		var got string
		if err := CheckVIN(c.vin); err != nil {
			var invalid *InvalidError
			if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) || invalid.Fields[0].Field != "vin" {
				t.Fatalf("%q gives %v", c.vin, err)
			}
			got = invalid.Fields[0].Reason
		}
		if got != c.reason {
			t.Errorf("%q: %q, want %q", c.vin, got, c.reason)
		}
	}
}

func TestVINWarning(t *testing.T) {
	for vin, warns := range map[string]bool{
		"1M8GDM9AXKP042788":  false, // the example of 49 CFR 565: X is right
		"1M8GDM9A1KP042788":  true,
		"1M8GDM9AXKP042789":  true,
		"11111111111111111":  false, // the well-known trivial one
		"5GZCZ43D13S812715":  false,
		"5GZCZ43D13S812716":  true,
		"LJCPCBLCX11000237":  false, // China
		"LJCPCBLCX11000238":  true,
		"YS2R4X20005399401":  false, // Europe sets none
		"VLUR4X20009093588":  false,
		"WBA3A5C50CF256551":  false,
		"7A8AA0000AA000000":  false, // New Zealand sets none
		"7SAYGDEE0PF000000":  true,
		"device-1":           false,
		"1m8gdm9axkp042789":  false, // not a VIN; refused anyway
		"1M8GDM9AXKP0427890": false,
	} {
		if warning := VINWarning(vin); (warning != "") != warns {
			t.Errorf("%s: %q, want a warning: %v", vin, warning, warns)
		}
	}
	const want = "the check digit, character 9 of the VIN, is 1 and should be X: a character may be wrong"
	if got := VINWarning("1M8GDM9A1KP042788"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestText(t *testing.T) {
	for _, c := range []struct{ name, in, out, reason string }{
		{"plain", "Kalles Grustransporter AB", "Kalles Grustransporter AB", ""},
		{"empty", "", "", ""},
		{"trimmed", " \u00a0Kalles\t\n", "Kalles", ""},
		{"composed", "So\u0308derta\u0308lje", "Södertälje", ""},
		{"long enough", strings.Repeat("å", 200), strings.Repeat("å", 200), ""},
		{"too long", strings.Repeat("å", 201), "", "is longer than 200 characters"},
		{"far too long", strings.Repeat("a", 4000), "", "is longer than 200 characters"},
		{"too many bytes", strings.Repeat("🚚", 151), "", "is longer than 600 bytes"},
		{"as many bytes as may be", strings.Repeat("🚚", 150), strings.Repeat("🚚", 150), ""},
		{"broken", "Kalles \xff", "", "is not valid UTF-8"},
		{"half a surrogate", "\xed\xa0\x80", "", "is not valid UTF-8"},
		{"new line", "Kalles\nAB", "", "has the control character U+000A"},
		{"nul", "Kalles\x00AB", "", "has the control character U+0000"},
		{"delete", "Kalles\x7fAB", "", "has the control character U+007F"},
		{"C1", "Kalles\u0085AB", "", "has the control character U+0085"},
		{"line separator", "Kalles\u2028AB", "", "has the control character U+2028"},
	} {
		var p problems
		out := p.text("name", c.in, MaxName)
		if c.reason == "" && (len(p) > 0 || out != c.out) {
			t.Errorf("%s: %q %v, want %q", c.name, out, p, c.out)
		}
		if c.reason != "" && (len(p) != 1 || p[0].Reason != c.reason) {
			t.Errorf("%s: %v, want %q", c.name, p, c.reason)
		}
	}
}

func TestTags(t *testing.T) {
	many := make([]string, MaxTags+1)
	for i := range many {
		many[i] = strings.Repeat("a", i+1)
	}
	for _, c := range []struct {
		name    string
		in, out []string
		reason  string
	}{
		{"none", nil, []string{}, ""},
		{"sorted, trimmed, each once", []string{" nord", "euro6 ", "nord", "", "  "}, []string{"euro6", "nord"}, ""},
		{"as many as may be", many[:MaxTags], many[:MaxTags], ""},
		{"as many as may be, and again", slices.Concat(many[:MaxTags], many[:MaxTags]), many[:MaxTags], ""},
		{"too many", many, nil, "are more than 32"},
		{"too long", []string{strings.Repeat("a", 65)}, nil, "is longer than 64 characters"},
		{"semicolon", []string{"a;b"}, nil, "has a tag with a semicolon, which separates tags"},
		{"becomes a semicolon", []string{"a\u037eb"}, nil, "has a tag with a semicolon, which separates tags"},
		{"control character", []string{"a\tb"}, nil, "has the control character U+0009"},
	} {
		var p problems
		out := p.tags(c.in)
		if c.reason == "" && (len(p) > 0 || !slices.Equal(out, c.out)) {
			t.Errorf("%s: %q %v, want %q", c.name, out, p, c.out)
		}
		if c.reason != "" && (len(p) != 1 || p[0].Reason != c.reason) {
			t.Errorf("%s: %v, want %q", c.name, p, c.reason)
		}
	}
}

func TestPolicyLimits(t *testing.T) {
	for _, c := range []struct {
		late, offline time.Duration
		want          string
	}{
		{0, 0, ""},
		{2 * time.Second, 2 * time.Second, ""},
		{90 * time.Second, 150 * time.Second, ""},
		{2500 * time.Millisecond, MaxAfter, ""},
		{2*time.Second - 1, 3 * time.Second, "invalid: late_after is less than 2s"},
		{-time.Second, 3 * time.Second, "invalid: late_after is less than 2s"},
		{0, 2 * time.Second, "invalid: late_after is less than 2s"},
		{2 * time.Second, 0, "invalid: offline_after is less than 2s; late_after is more than offline_after"},
		{4 * time.Second, 3 * time.Second, "invalid: late_after is more than offline_after"},
		{2 * time.Second, MaxAfter + time.Second, "invalid: offline_after is more than 366 days"},
		{2 * time.Second, 2*time.Second + time.Microsecond, "invalid: offline_after is not a whole number of milliseconds"},
	} {
		var p problems
		p.policy(event.Policy{LateAfter: c.late, OfflineAfter: c.offline})
		got := ""
		if err := p.err(); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v, %v: %q, want %q", c.late, c.offline, got, c.want)
		}
	}
}

func TestCustomerID(t *testing.T) {
	for id, want := range map[string]string{
		"kalles":                 "",
		"A.b_c-9":                "",
		"-":                      "",
		strings.Repeat("x", 64):  "",
		strings.Repeat("x", 65):  "is longer than 64 characters",
		"":                       "is missing",
		".":                      "is only dots",
		"..":                     "is only dots",
		"a b":                    "has a character other than A-Z a-z 0-9 . _ -",
		"a/b":                    "has a character other than A-Z a-z 0-9 . _ -",
		"så":                     "has a character other than A-Z a-z 0-9 . _ -",
		"a\x00":                  "has a character other than A-Z a-z 0-9 . _ -",
		"\xff":                   "has a character other than A-Z a-z 0-9 . _ -",
		"semi;colon":             "has a character other than A-Z a-z 0-9 . _ -",
		"\u202edesrever":         "has a character other than A-Z a-z 0-9 . _ -",
		"fullwidth\uff0e":        "has a character other than A-Z a-z 0-9 . _ -",
		strings.Repeat(".", 64):  "is only dots",
		"quote\"":                "has a character other than A-Z a-z 0-9 . _ -",
		"newline\n":              "has a character other than A-Z a-z 0-9 . _ -",
		strings.Repeat("é", 100): "is longer than 64 characters",
	} {
		var p problems
		p.customerID("id", id)
		got := ""
		if len(p) > 0 {
			got = p[0].Reason
		}
		if got != want {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

func TestAllFieldsAtFaultAreNamedAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		_, _, err := r.CreateVehicle(ctx, NewVehicle{VIN: "a/b", RegistrationNumber: "\n1\n1", CustomerID: "nobody",
			Tags: []string{"a;b"}, Policy: event.Policy{LateAfter: time.Minute, OfflineAfter: 2 * time.Second}})
		checkFields(t, err, "vin", "registration_number", "tags", "late_after", "customer_id")
		_, _, err = r.CreateVehicle(ctx, NewVehicle{})
		checkFields(t, err, "vin", "customer_id")
		_, _, err = r.CreateCustomer(ctx, NewCustomer{ID: "å", Name: " ", Address: "\xff", Policy: event.Policy{LateAfter: 1, OfflineAfter: time.Hour}})
		checkFields(t, err, "id", "name", "address", "late_after")
		mustCustomer(t, r, "kalles")
		mustVehicle(t, r, "v1", "kalles")
		_, _, err = r.UpdateCustomer(ctx, "kalles", CustomerPatch{Name: new(""), Address: new("\x00")})
		checkFields(t, err, "name", "address")
		_, _, err = r.UpdateVehicle(ctx, "v1", VehiclePatch{RegistrationNumber: new("\x01x"), CustomerID: new(""), Tags: &[]string{"\x02x"}})
		checkFields(t, err, "registration_number", "tags", "customer_id")
		_, err = r.SetDefaultPolicy(ctx, event.Policy{OfflineAfter: time.Minute})
		checkFields(t, err, "late_after")
		_, err = r.Customers(ctx, CustomerQuery{Search: "\xff", Limit: -1, Cursor: "!"})
		checkFields(t, err, "limit", "q", "cursor")
		if r.Revision() != 2 {
			t.Errorf("revision %d after refusals, want 2", r.Revision())
		}
	})
}

func checkFields(t *testing.T, err error, want ...string) {
	t.Helper()
	var invalid *InvalidError
	if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v, want an InvalidError", err)
	}
	var got []string
	for _, f := range invalid.Fields {
		got = append(got, f.Field)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(err, diff)
	}
}

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"Södertälje": "sodertalje", "ÉCOLE ﬁn": "ecole fin", "ÅÄÖ": "aao", "": ""} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}
