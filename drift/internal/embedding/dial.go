package embedding

import (
	"fmt"
	"net/netip"
	"syscall"
)

// guard refuses addresses that a name should not have led to. It looks at what the name resolved to, at the moment of dialing, so that a name
// that changes its mind gains nothing.
type guard struct {
	loopback bool // the operator wrote a loopback address
	private  bool // the operator allowed private networks
}

func (g guard) control(_, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: not an address", address)
	}
	if ip := target.Addr().Unmap().WithZone(""); !g.allows(ip) {
		return fmt.Errorf("the embedding service resolved to %s, which is not a public address", ip)
	}
	return nil
}

func (g guard) allows(ip netip.Addr) bool {
	switch {
	case ip.IsLoopback():
		return g.loopback
	case ip.IsPrivate() || shared.Contains(ip):
		return g.private
	default: // link-local addresses are where clouds hand out credentials
		return ip.IsGlobalUnicast() && !ip.IsLinkLocalUnicast()
	}
}

// shared is the address space of carriers, private in all but name (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10") //nolint:gochecknoglobals // a constant
