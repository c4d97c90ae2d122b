package gmmposterior

// SetTangentBytes sets the bound on tangents in flight and returns what puts it back.
func SetTangentBytes(n int) (restore func()) {
	old := tangentBytes
	tangentBytes = n
	return func() { tangentBytes = old }
}
