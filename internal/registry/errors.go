package registry

import (
	"errors"
	"fmt"
	"strings"
)

// The reasons for which the registry refuses. Everything else that a method returns is a fault of the store.
var (
	// ErrNotFound: no customer or vehicle has this id.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the id or VIN is taken.
	ErrConflict = errors.New("registered already")
	// ErrInvalid: the input breaks a rule. The error is an *InvalidError that names all the fields at fault.
	ErrInvalid = errors.New("invalid")
	// ErrHasVehicles: the customer cannot be removed before its vehicles. The error is a *HasVehiclesError.
	ErrHasVehicles = errors.New("customer has vehicles")
	// ErrOutboxFull: the log has not taken facts for so long that no more are accepted. Try again later.
	ErrOutboxFull = errors.New("too many facts wait for the log")
	// ErrBusy: somebody reads what is to be taken away. Try again.
	ErrBusy = errors.New("the registry is being read")
	// ErrUnavailable: the database cannot be reached. A write that it was asked for when it went away may have been stored.
	// Try again.
	ErrUnavailable = errors.New("the registry is away")
	// ErrNotEmpty: something was written into the registry that is to be filled.
	ErrNotEmpty = errors.New("there is something in it already")
	// ErrDamaged: the database is not what was written. Nothing of it was touched.
	ErrDamaged = errors.New("the registry is damaged")
	// ErrNewerSchema: a newer version of the program wrote the database.
	ErrNewerSchema = errors.New("the registry was written by a newer version")
)

// FieldError says what is wrong with one field of the input, by the field's name in JSON and CSV.
type FieldError struct {
	Field  string
	Reason string
}

// InvalidError is the ErrInvalid that says what is wrong, field by field.
type InvalidError struct {
	Fields []FieldError // at least one
}

func (e *InvalidError) Error() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.Field + " " + f.Reason
	}
	return "invalid: " + strings.Join(parts, "; ")
}

// Is reports that the error is an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// HasVehiclesError is the ErrHasVehicles that says how many.
type HasVehiclesError struct {
	Customer string // its id
	Vehicles int
}

func (e *HasVehiclesError) Error() string {
	return fmt.Sprintf("customer %s has %d vehicles", e.Customer, e.Vehicles)
}

// Is reports that the error is an ErrHasVehicles.
func (e *HasVehiclesError) Is(target error) bool { return target == ErrHasVehicles }
