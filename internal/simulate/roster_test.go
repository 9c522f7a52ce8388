package simulate

import (
	"bytes"
	"regexp"
	"slices"
	"testing"
)

func TestMillionVehiclesHaveIdentitiesOfTheirOwn(t *testing.T) {
	const n = 1_000_000
	r := NewRoster(1, n, true)
	vin := regexp.MustCompile(`^[A-HJ-NPR-Z0-9]{17}$`)
	plate := regexp.MustCompile(`^[A-HJ-PR-UW-Z]{3}[0-9]{2}[0-9A-HJ-NPR-UW-Z]$`)
	vins, plates := make(map[[vinLength]byte]bool, n), make(map[[6]byte]bool, n)
	for v := range r.Vehicles() {
		id := r.VIN(v)
		vins[[vinLength]byte([]byte(id))] = true
		if v < len(originals) {
			continue
		}
		number := r.plate(v - len(originals))
		plates[[6]byte([]byte(number))] = true
		if v%100 == 0 && (!vin.MatchString(id) || !plate.MatchString(number)) {
			t.Fatalf("vehicle %d is %s, %s", v, id, number)
		}
		if id[8] != checkDigit([vinLength]byte([]byte(id))) {
			t.Fatalf("the check digit of %s does not fit", id)
		}
	}
	if len(vins) != n+7 || len(plates) != n {
		t.Errorf("%d vehicles have %d VINs and %d registration numbers", n, len(vins), len(plates))
	}
}

func TestCheckDigitIsThatOfTheStandard(t *testing.T) {
	for vin, want := range map[string]byte{"1M8GDM9AXKP042788": 'X', "11111111111111111": '1', "5GZCZ43D13S812715": '1'} {
		if got := checkDigit([vinLength]byte([]byte(vin))); got != want {
			t.Errorf("%s has check digit %c, want %c", vin, got, want)
		}
	}
}

func TestCompaniesHaveNamesOfTheirOwn(t *testing.T) {
	r := NewRoster(5, 0, false)
	names := map[string]bool{}
	for c := range maxCustomers {
		names[r.companyName(c)] = true
	}
	if len(names) != maxCustomers {
		t.Errorf("%d companies have %d names", maxCustomers, len(names))
	}
}

func TestFleetsHaveCompaniesOfAllSizes(t *testing.T) {
	r := NewRoster(5, 20_000, true)
	sizes := map[string]int{}
	for v := range r.Vehicles() {
		sizes[r.Vehicle(v).Customer.ID]++
	}
	var counts []int
	for _, n := range sizes {
		counts = append(counts, n)
	}
	slices.Sort(counts)
	if len(sizes) < 950 || len(sizes) > r.Customers() {
		t.Errorf("%d of %d companies have vehicles", len(sizes), r.Customers())
	}
	if largest, median := counts[len(counts)-1], counts[len(counts)/2]; largest < 300 || median > 30 {
		t.Errorf("the largest company has %d vehicles, the median %d", largest, median)
	}
}

func TestOriginalVehiclesComeFirst(t *testing.T) {
	var out bytes.Buffer
	if err := NewRoster(0, 3, true).WriteCSV(&out, 0, 7); err != nil {
		t.Fatal(err)
	}
	want := `vin,registration_number,customer_id,customer_name,customer_address,tags,late_after,offline_after,paused
YS2R4X20005399401,ABC123,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",sodertalje,,,
VLUR4X20009093588,DEF456,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",sodertalje,,,
VLUR4X20009048066,GHI789,kalles,Kalles Grustransporter AB,"Cementvägen 8, 111 11 Södertälje",sodertalje,,,
YS2R4X20005388011,JKL012,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",stockholm,,,
YS2R4X20005387949,MNO345,johans,Johans Bulk AB,"Balkvägen 12, 222 22 Stockholm",stockholm,,,
YS2R4X20005387765,PQR678,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",uppsala,,,
YS2R4X20005387055,STU901,haralds,Haralds Värdetransporter AB,"Budgetvägen 1, 333 33 Uppsala",uppsala,,,
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestEqualSeedsGiveEqualFleets(t *testing.T) {
	write := func(seed uint64) string {
		var out bytes.Buffer
		if err := NewRoster(seed, 200, false).WriteCSV(&out, 0, 200); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first, again := write(1), write(1)
	if first != again || first == write(2) {
		t.Error("fleets do not follow their seeds")
	}
}
