package registry

import (
	"context"
	"fmt"

	"github.com/fleetbeat/fleetbeat/internal/event"
)

// DefaultPolicy is the policy of all vehicles that neither have one of their own nor by their customer:
// event.DefaultPolicy until another is set.
func (r *Registry) DefaultPolicy(ctx context.Context) (event.Policy, error) {
	var late, offline int64
	err := r.whileThere(ctx, func(ctx context.Context) error {
		return r.reader.QueryRowContext(ctx, `SELECT late_after, offline_after FROM state`).Scan(&late, &offline)
	})
	if err != nil {
		return event.Policy{}, fmt.Errorf("reading the default policy: %w", err)
	}
	return orDefault(policyOf(late, offline)), nil
}

// SetDefaultPolicy sets the default policy; the zero policy brings event.DefaultPolicy back. Setting what is in force
// changes nothing.
func (r *Registry) SetDefaultPolicy(ctx context.Context, policy event.Policy) (revision int64, err error) {
	if err := CheckPolicy(policy); err != nil {
		return 0, fmt.Errorf("setting the default policy: %w", err)
	}
	revision, err = r.write(ctx, func(ctx context.Context, t *tx) error {
		if orDefault(t.policy) == orDefault(policy) {
			return nil
		}
		t.policy = policy
		return t.tell(ctx, event.PolicyChanged{Policy: policy})
	})
	if err != nil {
		return 0, fmt.Errorf("setting the default policy: %w", err)
	}
	return revision, nil
}

// CheckPolicy returns the *InvalidError that names what is wrong with a policy, or nil; the zero policy is none.
func CheckPolicy(policy event.Policy) error {
	var p problems
	p.policy(policy)
	return p.err()
}

func orDefault(p event.Policy) event.Policy {
	if p == (event.Policy{}) {
		return event.DefaultPolicy
	}
	return p
}
