package embedding

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// guard refuses addresses that a name should not have led to. It looks at what the name resolved to, at the moment of dialing, so that a name
// that changes its mind gains nothing.
type guard struct {
	loopback bool // the operator wrote a loopback address: nothing else will do, since the token may go there in plain text
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
	if translated.Contains(ip) { // a gateway takes it to the IPv4 address in its last bytes
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	switch {
	case ip.IsLoopback() || g.loopback: // which may be spoken to in plain text: nobody else
		return ip.IsLoopback() && g.loopback
	case within(ip, never):
		return false
	case ip.IsPrivate() || shared.Contains(ip):
		return g.private
	default: // link-local addresses are where clouds hand out credentials
		return ip.IsGlobalUnicast() && !ip.IsLinkLocalUnicast()
	}
}

func within(ip netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

//nolint:gochecknoglobals // constants
var (
	// shared is the address space of carriers, private in all but name (RFC 6598).
	shared = netip.MustParsePrefix("100.64.0.0/10")
	// translated are IPv4 addresses as networks of IPv6 alone write them (RFC 6052).
	translated = netip.MustParsePrefix("64:ff9b::/96")
	// never are addresses that no service has (RFC 6890), that lead to an IPv4 address in disguise, or where clouds hand out credentials within
	// private networks.
	never = prefixes(
		"0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16", "fec0::/10",
		"fd00:ec2::254/128", "100.100.100.200/32",
	)
)

func prefixes(list ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(list))
	for i, p := range list {
		parsed[i] = netip.MustParsePrefix(p)
	}
	return parsed
}
