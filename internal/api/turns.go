package api

// turns bounds how many calls do the same at once. Nobody waits for a turn: it is better to be told to come again.
type turns struct {
	taken chan struct{}
	busy  error // what a caller is told when all are taken
}

func newTurns(n int, busy error) turns { return turns{make(chan struct{}, n), busy} }

// take gives a turn, which ends with done.
func (t turns) take() (done func(), err error) {
	select {
	case t.taken <- struct{}{}:
		return func() { <-t.taken }, nil
	default:
		return nil, t.busy
	}
}
