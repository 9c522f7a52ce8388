package registry

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

const fullHeader = "vin,registration_number,customer_id,customer_name,customer_address,tags,late_after,offline_after,paused\n"

func importText(t *testing.T, r *Registry, csv string, options ImportOptions) ImportResult {
	t.Helper()
	result, err := r.Import(t.Context(), strings.NewReader(csv), options)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestImportCreatesUpdatesAndLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		mustCustomer(t, r, "old")
		mustVehicle(t, r, "v1", "old")
		if _, _, err := r.UpdateVehicle(ctx, "v1", VehiclePatch{Tags: &[]string{"stays"}, Paused: new(true)}); err != nil {
			t.Fatal(err)
		}
		mustVehicle(t, r, "v2", "old")
		got := mustImport(t, r, "\ufeffcustomer_name, vin ,registration_number,late_after,offline_after\r\n"+
			"New AB,v3,C,90,2m30s\r\n"+
			"\r\n"+
			",,,,\r\n"+
			"Customer old,v2,,,\r\n"+
			"New AB,v1,\"A, \"\"1\"\"\",2.5s,00003\r\n"+
			"Customer old, v4 ,,,") // no line end
		want := ImportResult{Applied: true, Lines: 4, Created: 2, Updated: 1, Unchanged: 1, CustomersCreated: 1, Revision: 5}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, want := range []Vehicle{
			{Number: 1, VIN: "v1", RegistrationNumber: `A, "1"`, Customer: 2, CustomerID: "c2", Tags: []string{"stays"}, Paused: true,
				Policy: event.Policy{LateAfter: 2500 * time.Millisecond, OfflineAfter: 3 * time.Second}},
			{Number: 2, VIN: "v2", Customer: 1, CustomerID: "old"},
			{Number: 3, VIN: "v3", RegistrationNumber: "C", Customer: 2, CustomerID: "c2", Policy: event.DefaultPolicy},
			{Number: 4, VIN: "v4", Customer: 1, CustomerID: "old"},
		} {
			v, err := r.Vehicle(ctx, want.VIN)
			if diff := cmp.Diff(want, v); diff != "" || err != nil {
				t.Error(err, diff)
			}
		}
		again := mustImport(t, r, exported(t, r))
		if again.Unchanged != 4 || again.Revision != 5 {
			t.Errorf("importing the export changes something: %+v", again)
		}
	})
}

func TestImportFindsCustomersByIDElseByExactName(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		for _, c := range []NewCustomer{{ID: "a", Name: "A AB", Address: "Street 1"}, {ID: "twin1", Name: "Twins"}, {ID: "twin2", Name: "Twins"}} {
			if _, _, err := r.CreateCustomer(ctx, c); err != nil {
				t.Fatal(err)
			}
		}
		got := importText(t, r, "vin,customer_id,customer_name,customer_address\n"+
			"v2,a,,\n"+
			"v3,,A AB,\n"+
			"v4,,a ab,\n"+ // 4: names are exact; a new customer
			"v5,a,A AB,Street 1\n"+
			"v6,a,B AB,\n"+ // 6
			"v7,,A AB,Street 2\n"+ // 7
			"v8,,Twins,\n"+ // 8
			"v9,twin2,Twins,\n"+
			"v10,new,New,Street 3\n"+
			"v11,,New,\n"+ // the customer of the line before
			"v12,new,New,Street 4\n"+ // 12
			"v13,other,New,\n"+ // another of the same name
			"v14,,New,\n"+ // 14: now there are two
			"v15,nameless,,\n", // 15
			ImportOptions{Partial: true})
		want := ImportResult{Applied: true, Lines: 14, Created: 8, CustomersCreated: 3, Rejected: 6, Revision: 4, Errors: []LineError{
			{6, "customer_name", `differs from that of customer a, which is "A AB"`},
			{7, "customer_address", `differs from that of customer a, which is "Street 1"`},
			{8, "customer_name", "is that of several customers; give the customer_id"},
			{12, "customer_address", `differs from that of customer new, which is "Street 3"`},
			{14, "customer_name", "is that of several customers; give the customer_id"},
			{15, "customer_id", `"nameless" is not registered, and there is no customer_name to create it`},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for vin, want := range map[string]string{"v2": "a", "v3": "a", "v4": "c4", "v9": "twin2", "v10": "new", "v11": "new", "v13": "other"} {
			if v, err := r.Vehicle(ctx, vin); err != nil || v.CustomerID != want {
				t.Errorf("%s belongs to %q, %v, want %s", vin, v.CustomerID, err, want)
			}
		}
	})
}

func TestImportNamesTheLineAndColumnOfEveryError(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		for _, c := range []struct {
			name, csv string
			want      []LineError
		}{
			{"empty", "", []LineError{{1, "", "the file is empty"}}},
			{"only a mark", "\ufeff", []LineError{{1, "", "the file is empty"}}},
			{"blank lines", "\n\r\n\n", []LineError{{3, "", "the file is empty"}}},
			{"utf-16 with mark", "\xff\xfev\x00i\x00", []LineError{{1, "", "the file is UTF-16; save it as UTF-8"}}},
			{"utf-16 big-endian", "\xfe\xff\x00v\x00i", []LineError{{1, "", "the file is UTF-16; save it as UTF-8"}}},
			{"utf-16 without mark", "v\x00i\x00n\x00", []LineError{{1, "", "the file is UTF-16; save it as UTF-8"}}},
			{"semicolons", "vin;customer_id\nv1;a\n", []LineError{{1, "", "the columns are separated by semicolons; separate them by commas"}}},
			{"unknown column", "vin,customer_id,colour\n", []LineError{
				{1, "", `"colour" is not a column; these are: ` + strings.Join(columnNames(), ", ")}}},
			{"missing columns", "tags\n", []LineError{{1, "vin", "is missing"}, {1, "customer_id", "is missing, and customer_name too"}}},
			{"column twice", "vin,vin,customer_id\n", []LineError{{1, "vin", "is there twice"}}},
			{"broken header", "vin,\"customer_id\n", []LineError{{1, "", "a quote is not closed on the line"}}},
			{"quotes", "vin,customer_id\n\"v1,a\nv2,a\"b\n\"v3\" ,a\n", []LineError{
				{2, "", "a quote is not closed on the line"},
				{3, "", "a cell with a quote in it does not begin with one"},
				{4, "", "a closing quote is not followed by a comma"}}},
			{"cells", "vin,customer_id\nv1\nv2,a,b\n", []LineError{
				{2, "", "the line has 1 cells, the header has 2"}, {3, "", "the line has 3 cells, the header has 2"}}},
			{"latin-1", "vin,customer_name\nv1,S\xf6dert\xe4lje\n", []LineError{{2, "", "the line is not valid UTF-8; save the file as UTF-8"}}},
			{"long line", "vin,customer_name\n" + strings.Repeat("x", 3*maxLine) + "\nv/1,a\n", []LineError{
				{2, "", "the line is longer than 64 KiB"}, {3, "vin", "has a slash"}}},
			{"all cells", fullHeader + "a/b," + strings.Repeat("r", 65) + ",å,x\x01,y\x02," + strings.Repeat("t", 65) + ",soon,1,maybe\n", []LineError{
				{2, "registration_number", "is longer than 64 characters"},
				{2, "tags", "is longer than 64 characters"},
				{2, "late_after", "is neither a number of seconds nor a duration like 1m30s"},
				{2, "paused", "is neither true nor false"},
				{2, "vin", "has a slash"},
				{2, "customer_name", "has the control character U+0001"},
				{2, "customer_address", "has the control character U+0002"},
				{2, "customer_id", "has a character other than A-Z a-z 0-9 . _ -"}}},
			{"policies", fullHeader + "v1,,a,,,,90,,\nv2,,a,,,,,90,\nv3,,a,,,,90,60,\nv4,,a,,,,0,60,\nv5,,a,,,,-5s,60,\nv6,,a,,,,90,99999999999,\nv7,,a,,,,1e3,2s,\n", []LineError{
				{2, "offline_after", "is missing beside late_after"},
				{3, "late_after", "is missing beside offline_after"},
				{4, "late_after", "is more than offline_after"},
				{5, "late_after", "is less than 2s"},
				{6, "late_after", "is less than 2s"},
				{7, "offline_after", "is neither a number of seconds nor a duration like 1m30s"},
				{8, "late_after", "is neither a number of seconds nor a duration like 1m30s"}}},
			{"no customer", "vin,customer_id,customer_name\nv1,,\n", []LineError{{2, "customer_id", "is missing, and customer_name too"}}},
			{"twice", "vin,customer_name\nv1,a\nv2,a\nv1,b\nv1,a\n", []LineError{{4, "vin", "is that of line 2 too"}, {5, "vin", "is that of line 2 too"}}},
			{"order", "vin,customer_name\nv1,a\nv1,a\nv/1,a\n", []LineError{{3, "vin", "is that of line 2 too"}, {4, "vin", "has a slash"}}},
			{"VIN", "vin,customer_name\nys2R4X20005399401,a\n", []LineError{
				{2, "vin", "has the lower-case letter y; a VIN of 17 characters has capitals only"}}},
		} {
			r := on.openInMemory(t)
			for _, options := range []ImportOptions{{}, {DryRun: true}, {DryRun: true, Partial: true}} {
				result := importText(t, r, c.csv, options)
				if diff := cmp.Diff(c.want, result.Errors); diff != "" || result.Applied {
					t.Errorf("%s: applied %v %s", c.name, result.Applied, diff)
				}
			}
			if r.Revision() != 0 || exported(t, r) != fullHeader {
				t.Errorf("%s: something was stored", c.name)
			}
		}
	})
}

func TestImportIsAllOrNothingUnlessPartial(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		csv := fleetCSV(2000) + "bad/one,x,k1,,,\n" + "1M8GDM9A1KP042788,x,k1,,,\n"
		refused := importText(t, r, csv, ImportOptions{})
		want := ImportResult{Lines: 2002, Created: 2001, CustomersCreated: 20, Rejected: 1,
			Errors:   []LineError{{2002, "vin", "has a slash"}},
			Warnings: []LineError{{2003, "vin", "the check digit, character 9 of the VIN, is 1 and should be X: a character may be wrong"}}}
		if diff := cmp.Diff(want, refused); diff != "" {
			t.Error(diff)
		}
		if exported(t, r) != fullHeader || len(outbox(t, r)) != 0 {
			t.Error("a refused import leaves something behind")
		}
		dry := importText(t, r, csv, ImportOptions{Partial: true, DryRun: true})
		if diff := cmp.Diff(want, dry); diff != "" || exported(t, r) != fullHeader {
			t.Error(diff)
		}
		partial := importText(t, r, csv, ImportOptions{Partial: true})
		want.Applied, want.Revision = true, 1
		if diff := cmp.Diff(want, partial); diff != "" {
			t.Error(diff)
		}
		if v, err := r.Vehicle(t.Context(), "1M8GDM9A1KP042788"); err != nil || v.Number != 2001 {
			t.Error(v, err)
		}
	})
}

func TestImportErrorsAreBounded(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.openInMemory(t)
		csv := "vin,customer_name\n" + strings.Repeat("a/b,a\n", 5000)
		result := importText(t, r, csv, ImportOptions{})
		if result.Rejected != 5000 || len(result.Errors) != MaxLineErrors || result.Errors[MaxLineErrors-1].Line != MaxLineErrors+1 {
			t.Errorf("%d rejected, %d listed", result.Rejected, len(result.Errors))
		}
	})
}

func TestImportOfAFileThatIsTooLargeIsInvalid(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.openInMemory(t)
		_, err := r.Import(t.Context(), zeros{}, ImportOptions{})
		checkFields(t, err, "file")
		if files, _ := os.ReadDir(filepath.Dir(r.config.Path)); len(files) > 4 { // the database, its two and its checksums
			t.Errorf("files are left: %v", files)
		}
	})
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestImportThatBreaksOffStoresNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		broken := errors.New("the sender went away")
		file := iotest.TimeoutReader(strings.NewReader(fleetCSV(5000)))
		if _, err := r.Import(t.Context(), file, ImportOptions{}); !errors.Is(err, iotest.ErrTimeout) {
			t.Error(err)
		}
		if _, err := r.Import(t.Context(), iotest.ErrReader(broken), ImportOptions{}); !errors.Is(err, broken) {
			t.Error(err)
		}
		if r.Revision() != 0 {
			t.Error("something was stored")
		}
	})
}

func TestSlowSenderDoesNotHoldTheRegistry(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		r := on.open(t)
		mustCustomer(t, r, "kalles")
		wrote := false
		file := readerFunc(func([]byte) (int, error) {
			if !wrote {
				wrote = true
				mustVehicle(t, r, "while-sending", "kalles")
			}
			return 0, errors.New("done")
		})
		if _, err := r.Import(t.Context(), file, ImportOptions{}); err == nil || !wrote {
			t.Error(err, wrote)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestExportImportsAgainUnchanged(t *testing.T) {
	onBoth(t, func(t *testing.T, on store) {
		ctx := t.Context()
		r := on.open(t)
		for i, text := range hostileTexts() {
			id := fmt.Sprintf("-%d", i)
			_, _, err := r.CreateCustomer(ctx, NewCustomer{ID: id, Name: text, Address: text})
			if err != nil {
				t.Fatal(text, err)
			}
			_, _, err = r.CreateVehicle(ctx, NewVehicle{VIN: fmt.Sprintf("=%d,\"'", i), RegistrationNumber: text, CustomerID: id,
				Tags: []string{text, "=1"}, Paused: i%2 == 0,
				Policy: event.Policy{LateAfter: time.Duration(i+2000) * time.Millisecond, OfflineAfter: time.Duration(i+3) * time.Second}})
			if err != nil {
				t.Fatal(text, err)
			}
		}
		first := exported(t, r)
		if result := mustImport(t, r, first); result.Unchanged != len(hostileTexts()) || result.Lines != result.Unchanged {
			t.Errorf("importing the own export changes something: %+v", result)
		}
		other := on.open(t)
		mustImport(t, other, first)
		if diff := cmp.Diff(first, exported(t, other)); diff != "" {
			t.Error(diff)
		}
		for _, line := range strings.Split(first, "\n")[1:] {
			for _, start := range []string{"=", "+", "-", "@", `"=`, `"+`, `"-`, `"@`} {
				if strings.HasPrefix(line, start) || strings.Contains(line, ","+start) {
					t.Errorf("a cell of %s would run as a formula", line)
				}
			}
		}
	})
}

func hostileTexts() []string {
	return []string{"plain", "=1+1", "+1", "-1", "@sum", "'", "'=", "''=1", "'quoted'", `"`, `""`, `",`, ",", ",,", "a,b", `a"b`, "=a,b",
		`="a"`, "'=a,\"b\"", "Södertälje", "#", "true", "0", "00123", "1e5", "\u200b", "🚚", "\ufeff", `\n`, "NULL", "%", "a  b"}
}
