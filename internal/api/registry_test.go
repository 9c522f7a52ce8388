package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetbeat/fleetbeat/client"
	"github.com/fleetbeat/fleetbeat/internal/event"
)

// threeCustomers is the fleet of the original contract's example.
const threeCustomers = `vin,registration_number,customer_id,customer_name,customer_address,tags
YS2R4X20005399401,ABC123,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",gravel;south
VLUR4X20009093588,DEF456,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",gravel
VLUR4X20009048066,GHI789,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",
YS2R4X20005388011,JKL012,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",bulk
YS2R4X20005387949,MNO345,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",
YS2R4X20005387765,PQR678,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",south
YS2R4X20005387055,STU901,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",
`

// withThreeCustomers brings them in.
func (h *harness) withThreeCustomers() {
	h.Helper()
	result := must(h.client.Import(h.Context(), strings.NewReader(threeCustomers), client.ImportOptions{}))(h.T)
	if !result.Applied || result.Created != 7 || result.CustomersCreated != 3 {
		h.Fatalf("the import said %+v", result)
	}
}

// status is the status of the problem that err is, and 0 for any other error.
func status(err error) int {
	if problem, ok := errors.AsType[*client.Problem](err); ok {
		return problem.Status
	}
	return 0
}

// A hundred thousand vehicles take a slow machine longer to show than a single one may take.
func TestFilesWaitLongerToBeShownThanSingleWrites(t *testing.T) {
	var applied func(context.Context, int64) (event.Position, error)
	var left time.Duration // for the write to be shown
	h := newHarness(t, func(c *Config) {
		applied = c.Applied
		c.Applied = func(ctx context.Context, revision int64) (event.Position, error) {
			deadline, _ := ctx.Deadline()
			left = time.Until(deadline)
			return applied(ctx, revision)
		}
	})
	h.withThreeCustomers()
	if left <= waitTimeout || left > fileWaitTimeout {
		t.Errorf("an import waits %s", left)
	}
	must(h.client.CreateCustomer(t.Context(), client.NewCustomer{Name: "One more"}))(t)
	if left <= 0 || left > waitTimeout {
		t.Errorf("a single write waits %s", left)
	}
}

func TestVehicleFromAddedToRemoved(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	must(h.client.CreateCustomer(ctx, client.NewCustomer{ID: "kalles", Name: "Kalles Grus AB", Address: "Södertälje"}))(t)
	added := must(h.client.CreateVehicle(ctx, client.NewVehicle{
		VIN: "1FTFW1E50PFA00001", RegistrationNumber: "ABC123", CustomerID: "kalles", Tags: []string{"b", "a"},
	}))(t)
	want := client.Vehicle{
		VIN: "1FTFW1E50PFA00001", RegistrationNumber: "ABC123", CustomerID: "kalles", CustomerName: "Kalles Grus AB",
		Tags: []string{"a", "b"}, Presence: client.Unknown, Since: timeOf(h.time()), Policy: policyOf(event.DefaultPolicy),
	}
	want.Warnings = added.Warnings
	if diff := cmp.Diff(want, added); diff != "" {
		t.Error(diff)
	}
	if len(added.Warnings) != 1 || !strings.Contains(added.Warnings[0], "check digit") {
		t.Errorf("the warnings are %q", added.Warnings)
	}

	h.hear(h.number(added.VIN))
	heard := must(h.client.Vehicle(ctx, added.VIN))(t)
	if heard.Presence != client.Online || heard.Heartbeats != 1 || heard.LastHeartbeatAt != timeOf(h.time()) || heard.LastSequence != nil {
		t.Errorf("after a heartbeat it is %+v", heard)
	}

	plate := "XYZ789"
	own := client.Policy{LateAfter: 2, OfflineAfter: 4.5}
	changed := must(h.client.UpdateVehicle(ctx, added.VIN, client.VehiclePatch{
		RegistrationNumber: &plate, Tags: &[]string{}, OwnPolicy: client.PolicyPatch{Given: true, Policy: own},
	}))(t)
	if changed.RegistrationNumber != plate || len(changed.Tags) != 0 || changed.Policy != own || changed.OwnPolicy == nil || changed.OwnPolicy.Policy != own {
		t.Errorf("changed, it is %+v", changed)
	}
	changed = must(h.client.UpdateVehicle(ctx, added.VIN, client.VehiclePatch{OwnPolicy: client.PolicyPatch{Given: true}}))(t)
	if changed.OwnPolicy != nil || changed.Policy != policyOf(event.DefaultPolicy) || changed.RegistrationNumber != plate {
		t.Errorf("with its own policy taken away, it is %+v", changed)
	}

	if paused := must(h.client.PauseVehicle(ctx, added.VIN))(t); !paused.Paused || paused.Presence != client.Paused {
		t.Errorf("paused, it is %+v", paused)
	}
	if resumed := must(h.client.ResumeVehicle(ctx, added.VIN))(t); resumed.Paused || resumed.Presence != client.Online {
		t.Errorf("resumed, it is %+v", resumed)
	}

	if err := h.client.DeleteVehicle(ctx, added.VIN); err != nil {
		t.Error(err)
	}
	if _, err := h.client.Vehicle(ctx, added.VIN); !client.IsNotFound(err) {
		t.Errorf("removed, it gives %v", err)
	}
	if err := h.client.DeleteVehicle(ctx, added.VIN); !client.IsNotFound(err) {
		t.Errorf("removing it again gives %v", err)
	}
}

func TestCustomerFromAddedToRemoved(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	own := client.Policy{LateAfter: 10, OfflineAfter: 20}
	made := must(h.client.CreateCustomer(ctx, client.NewCustomer{Name: "Ånge Åkeri", OwnPolicy: &client.OwnPolicy{Policy: own}}))(t)
	if made.ID == "" || made.OwnPolicy == nil || made.OwnPolicy.Policy != own {
		t.Fatalf("added, it is %+v", made)
	}
	v := must(h.client.CreateVehicle(ctx, client.NewVehicle{VIN: "A", CustomerID: made.ID}))(t)
	if v.Policy != own || v.OwnPolicy != nil {
		t.Errorf("its vehicle's policy is %+v, its own %+v", v.Policy, v.OwnPolicy)
	}
	h.hear(h.number("A"))
	name := "Ånge Åkeri AB"
	changed := must(h.client.UpdateCustomer(ctx, made.ID, client.CustomerPatch{Name: &name, OwnPolicy: client.PolicyPatch{Given: true}}))(t)
	if changed.Name != name || changed.OwnPolicy != nil || changed.Vehicles != 1 || changed.Presence.Online != 1 {
		t.Errorf("changed, it is %+v", changed)
	}
	if v := must(h.client.Vehicle(ctx, "A"))(t); v.CustomerName != name || v.Policy != policyOf(event.DefaultPolicy) {
		t.Errorf("its vehicle is %+v", v)
	}
	page := must(h.client.Customers(ctx, client.CustomerQuery{Text: "ange ak"}))(t)
	if page.Total != 1 || len(page.Items) != 1 || page.Items[0].ID != made.ID {
		t.Errorf("searching for it gives %+v", page)
	}
	if err := h.client.DeleteCustomer(ctx, made.ID, false); status(err) != http.StatusConflict {
		t.Errorf("removing it with its vehicle still there gives %v", err)
	}
	if err := h.client.DeleteCustomer(ctx, made.ID, true); err != nil {
		t.Error(err)
	}
	if _, err := h.client.Vehicle(ctx, "A"); !client.IsNotFound(err) {
		t.Errorf("its vehicle gives %v", err)
	}
}

func TestWritesAnswerWithThePositionWhereTheyHold(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/customers", `{"id":"c","name":"C","own_policy":{"late_after":5,"offline_after":6}}`, 201},
		{"POST", "/v1/vehicles", `{"vin":"A","customer_id":"c","own_policy":null}`, 201},
		{"PATCH", "/v1/vehicles/A", `{"paused":true}`, 200},
		{"POST", "/v1/vehicles/A/resume", ``, 200},
		{"PUT", "/v1/policy", `{"late_after":30,"offline_after":60}`, 200},
		{"DELETE", "/v1/vehicles/A", ``, 204},
	} {
		kind := ""
		if c.body != "" {
			kind = "application/json"
		}
		answer := h.send(c.method, c.path, kind, c.body)
		position, err := strconv.ParseUint(answer.Header.Get("Fleetbeat-Position"), 10, 64)
		if answer.StatusCode != c.status || err != nil || event.Position(position) != h.head() || h.view.Checkpoint() != h.head() {
			t.Errorf("%s %s answers %s at position %d, with the log at %d", c.method, c.path, answer.Status, position, h.head())
		}
	}
}

func TestTakenAndMissingNamesAreRefused(t *testing.T) {
	h := newHarness(t)
	ctx := t.Context()
	h.withThreeCustomers()
	_, err := h.client.CreateVehicle(ctx, client.NewVehicle{VIN: "YS2R4X20005399401", CustomerID: "kalles"})
	if status(err) != http.StatusConflict {
		t.Errorf("adding a vehicle twice gives %v", err)
	}
	_, err = h.client.CreateCustomer(ctx, client.NewCustomer{ID: "kalles", Name: "Kalle"})
	if status(err) != http.StatusConflict {
		t.Errorf("adding a customer twice gives %v", err)
	}
	_, err = h.client.CreateVehicle(ctx, client.NewVehicle{VIN: "B", CustomerID: "nobody", Tags: []string{"a,b\nc"}})
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusUnprocessableEntity {
		t.Fatalf("adding a vehicle to nobody gives %v", err)
	}
	var places []string
	for _, place := range problem.Errors {
		places = append(places, place.Location)
	}
	if !slices.Contains(places, "body.customer_id") || len(places) != 2 {
		t.Errorf("the places at fault are %q", places)
	}
}

func TestIDsMayBeginWithADot(t *testing.T) {
	h := newHarness(t)
	must(h.client.CreateCustomer(t.Context(), client.NewCustomer{ID: ".c", Name: "C"}))(t)
	must(h.client.CreateVehicle(t.Context(), client.NewVehicle{VIN: "..v", CustomerID: ".c"}))(t)
	must(h.client.Customer(t.Context(), ".c"))(t)
	must(h.client.PauseVehicle(t.Context(), "..v"))(t)
}

func TestDefaultPolicyIsReadAsWritten(t *testing.T) {
	h := newHarness(t)
	if policy := must(h.client.Policy(t.Context()))(t); policy != policyOf(event.DefaultPolicy) {
		t.Errorf("at first it is %+v", policy)
	}
	want := client.Policy{LateAfter: 2.5, OfflineAfter: 5}
	must(h.client.SetPolicy(t.Context(), want))(t)
	if policy := must(h.client.Policy(t.Context()))(t); policy != want {
		t.Errorf("set, it is %+v", policy)
	}
	if _, err := h.client.SetPolicy(t.Context(), client.Policy{LateAfter: 3, OfflineAfter: 2}); status(err) != http.StatusUnprocessableEntity {
		t.Errorf("a policy that is upside down gives %v", err)
	}
}

func TestExportImportsUnchanged(t *testing.T) {
	h := newHarness(t)
	h.withThreeCustomers()
	var file bytes.Buffer
	if err := h.client.Export(t.Context(), &file); err != nil {
		t.Fatal(err)
	}
	again := must(h.client.Import(t.Context(), bytes.NewReader(file.Bytes()), client.ImportOptions{}))(t)
	if again.Unchanged != 7 || again.Lines != 7 || again.Rejected != 0 {
		t.Errorf("into the same registry: %+v", again)
	}
	other := newHarness(t)
	fresh := must(other.client.Import(t.Context(), bytes.NewReader(file.Bytes()), client.ImportOptions{}))(t)
	if fresh.Created != 7 || fresh.CustomersCreated != 3 {
		t.Errorf("into an empty registry: %+v", fresh)
	}
	var back bytes.Buffer
	if err := other.client.Export(t.Context(), &back); err != nil || !bytes.Equal(back.Bytes(), file.Bytes()) {
		t.Errorf("exported again it differs (%v):\n%s", err, cmp.Diff(file.String(), back.String()))
	}
}

func TestImportIsAllOrNothingUnlessPartial(t *testing.T) {
	h := newHarness(t)
	file := "vin,customer_name\nA,C\nB B,C\nD,C\n"
	for _, c := range []struct {
		options client.ImportOptions
		applied bool
		total   int
	}{
		{client.ImportOptions{}, false, 0},
		{client.ImportOptions{Partial: true, DryRun: true}, false, 0},
		{client.ImportOptions{Partial: true}, true, 2},
	} {
		result := must(h.client.Import(t.Context(), strings.NewReader(file), c.options))(t)
		if result.Applied != c.applied || result.Rejected != 1 || len(result.Errors) != 1 || result.Errors[0].Line != 3 || result.Errors[0].Column != "vin" {
			t.Errorf("%+v gives %+v", c.options, result)
		}
		if page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{}))(t); page.Total != c.total {
			t.Errorf("%+v leaves %d vehicles, want %d", c.options, page.Total, c.total)
		}
	}
}

func TestUnregisteredVehiclesLeaveTheListWhenAdded(t *testing.T) {
	h := newHarness(t, withDoors(t))
	must(h.client.CreateCustomer(t.Context(), client.NewCustomer{ID: "c", Name: "C"}))(t)
	for _, vin := range []string{"A", "B", "A", "C"} {
		if _, err := h.client.Heartbeat(t.Context(), vin, client.NewHeartbeat{}); !client.IsNotFound(err) {
			t.Errorf("a heartbeat of %s, which is not registered, gives %v", vin, err)
		}
	}
	page := must(h.client.Unregistered(t.Context(), "", 2))(t)
	if page.Total != 3 || len(page.Items) != 2 || page.Items[0].VIN != "C" || page.Items[1].VIN != "A" || page.Items[1].Count != 2 || page.NextCursor == nil {
		t.Fatalf("the first page is %+v", page)
	}
	if age := time.Since(page.Items[0].LastSeenAt.Time); age < -time.Second || age > time.Minute {
		t.Errorf("it was heard %v ago", age)
	}
	rest := must(h.client.Unregistered(t.Context(), *page.NextCursor, 2))(t)
	if len(rest.Items) != 1 || rest.Items[0].VIN != "B" || rest.NextCursor != nil {
		t.Errorf("the second page is %+v", rest)
	}
	must(h.client.CreateVehicle(t.Context(), client.NewVehicle{VIN: "A", CustomerID: "c"}))(t)
	if page := must(h.client.Unregistered(t.Context(), "", 0))(t); page.Total != 2 || len(page.Items) != 2 {
		t.Errorf("after A was added: %+v", page)
	}
}

func TestCustomersComeInPages(t *testing.T) {
	h := newHarness(t)
	var file strings.Builder
	file.WriteString("vin,customer_name\n")
	for i := range 250 {
		fmt.Fprintf(&file, "V%d,Customer %03d\n", i, i)
	}
	must(h.client.Import(t.Context(), strings.NewReader(file.String()), client.ImportOptions{}))(t)
	var names []string
	for cursor := ""; ; {
		page := must(h.client.Customers(t.Context(), client.CustomerQuery{Limit: 70, Cursor: cursor}))(t)
		if page.Total != 250 {
			t.Fatalf("the total is %d", page.Total)
		}
		for _, c := range page.Items {
			names = append(names, c.Name)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if len(names) != 250 || !slices.IsSorted(names) {
		t.Errorf("%d names, sorted: %v", len(names), slices.IsSorted(names))
	}
}

// blanks is a file without end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '\n'
	}
	return len(p), nil
}

func TestImportOfTooLargeAFileIsRefused(t *testing.T) {
	h := newHarness(t)
	_, err := h.client.Import(t.Context(), io.MultiReader(strings.NewReader("vin,customer_name\nA,C\n"), blanks{}), client.ImportOptions{})
	if status(err) != http.StatusRequestEntityTooLarge {
		t.Errorf("a file without end gives %v", err)
	}
	if page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{}))(t); page.Total != 0 {
		t.Errorf("%d vehicles came of it", page.Total)
	}
}

func TestImportThatIsBrokenOffChangesNothing(t *testing.T) {
	h := newHarness(t)
	file, out := io.Pipe()
	go func() {
		fmt.Fprint(out, "vin,customer_name\nA,C\nB,C\n")
		out.CloseWithError(errors.New("the sender has gone"))
	}()
	if _, err := h.client.Import(t.Context(), file, client.ImportOptions{}); err == nil {
		t.Error("it succeeds")
	}
	if page := must(h.client.Vehicles(t.Context(), client.VehicleQuery{}))(t); page.Total != 0 {
		t.Errorf("%d vehicles came of it", page.Total)
	}
}
