package eventlog

// Hold keeps every server off a folder, until release. ErrLocked: one is running on it.
func Hold(dir string) (release func() error, err error) {
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	return lock.Close, nil
}
