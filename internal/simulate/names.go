package simulate

// The word lists behind the generated fleet. Companies and streets are made up; the cities are real, so that an address
// reads like one.

type city struct {
	name   string
	tag    string // its name in ASCII, as the tag of the vehicles that drive there
	postal string // the first three digits of its postal codes
}

var cities = []city{
	{"Stockholm", "stockholm", "112"}, {"Göteborg", "goteborg", "411"}, {"Malmö", "malmo", "211"},
	{"Uppsala", "uppsala", "753"}, {"Södertälje", "sodertalje", "151"}, {"Västerås", "vasteras", "722"},
	{"Örebro", "orebro", "702"}, {"Linköping", "linkoping", "582"}, {"Helsingborg", "helsingborg", "252"},
	{"Jönköping", "jonkoping", "553"}, {"Norrköping", "norrkoping", "602"}, {"Lund", "lund", "222"},
	{"Umeå", "umea", "903"}, {"Gävle", "gavle", "803"}, {"Borås", "boras", "503"}, {"Sundsvall", "sundsvall", "852"},
	{"Luleå", "lulea", "972"}, {"Karlstad", "karlstad", "652"}, {"Växjö", "vaxjo", "352"}, {"Kalmar", "kalmar", "392"},
}

// A company is named "<place>s <trade> <form>": 20 x 10 x 20 x 3 = 12,000 names.
var placeStarts = []string{
	"Norr", "Söder", "Öster", "Väster", "Björk", "Gran", "Sjö", "Fjäll", "Berg", "Älv",
	"Ek", "Sten", "Järn", "Kungs", "Hammar", "Lind", "Asp", "Havs", "Ask", "Rönn",
}

var placeEnds = []string{"vik", "sund", "köping", "fors", "torp", "dal", "by", "holm", "stad", "lund"}

var trades = []string{
	"Åkeri", "Grustransporter", "Busstrafik", "Skogsfrakt", "Kylfrakt", "Logistik", "Bärgning", "Taxi",
	"Renhållning", "Mjölktransporter", "Schakt", "Kranbilar", "Virkesfrakt", "Fiskfrakt", "Paketbud",
	"Flyttbyrå", "Tankfrakt", "Färdtjänst", "Fjärrfrakt", "Snöröjning",
}

var companyForms = []string{"AB", "HB", "& Söner AB"}

var streets = []string{
	"Hamnvägen", "Industrigatan", "Åkerivägen", "Grusvägen", "Terminalgatan", "Lastvägen", "Bangårdsgatan",
	"Verkstadsgatan", "Kajgatan", "Depåvägen", "Älvgatan", "Skogsvägen", "Kraftvägen", "Smedjegatan", "Ringvägen",
}

// makes are the first eight characters of VINs: who built the vehicle, and what it is.
var makes = []string{
	"YS2R4X20", "YS2P6X40", "YS2K4X20", "YV2RT40A", "YV2XS30C", "YV3T2U82", "WMA06XZZ", "WMAN18ZZ",
	"XLRTE47M", "WDB96340", "VF624GPA", "ZCFC735A",
}

var kinds = []string{"truck", "truck", "reefer", "tipper", "timber", "tanker", "van", "bus"}

// original is a vehicle of the three companies that the demo has always had.
type original struct {
	vin, plate string
	owner      Customer
	city       int // index in cities
}

// Where the originals drive, as indexes in cities.
const (
	stockholm  = 0
	uppsala    = 3
	sodertalje = 4
)

var (
	kalle  = Customer{"kalles", "Kalles Grustransporter AB", "Cementvägen 8, 111 11 Södertälje"}
	johan  = Customer{"johans", "Johans Bulk AB", "Balkvägen 12, 222 22 Stockholm"}
	harald = Customer{"haralds", "Haralds Värdetransporter AB", "Budgetvägen 1, 333 33 Uppsala"}
)

var originals = []original{
	{"YS2R4X20005399401", "ABC123", kalle, sodertalje},
	{"VLUR4X20009093588", "DEF456", kalle, sodertalje},
	{"VLUR4X20009048066", "GHI789", kalle, sodertalje},
	{"YS2R4X20005388011", "JKL012", johan, stockholm},
	{"YS2R4X20005387949", "MNO345", johan, stockholm},
	{"YS2R4X20005387765", "PQR678", harald, uppsala},
	{"YS2R4X20005387055", "STU901", harald, uppsala},
}
