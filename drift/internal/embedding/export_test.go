package embedding

// Dial tells whether an address would be dialed.
func Dial(address string, loopback, private bool) error {
	return guard{loopback: loopback, private: private}.control("tcp", address, nil)
}
