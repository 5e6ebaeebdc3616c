package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// blocked4 are the IPv4 ranges that are not the public internet, and addresses on which clouds serve credentials.
var blocked4 = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"168.63.129.16/32", // a cloud's metadata and agent channel on a public address
)

// public6 is all of IPv6 that is routed; blocked6 are its special parts, among them the tunnels that carry an IPv4 address inside.
var (
	public6  = netip.MustParsePrefix("2000::/3")
	blocked6 = prefixes("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
	nat64    = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// public tells whether an address is on the public internet. It decides at dial time, after name resolution.
func public(ip netip.Addr) bool {
	if ip.Zone() != "" {
		return false
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return !within(blocked4, ip)
	}
	if nat64.Contains(ip) { // an IPv6-only network reaches IPv4 hosts through it
		b := ip.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	return public6.Contains(ip) && !within(blocked6, ip)
}

func within(list []netip.Prefix, ip netip.Addr) bool {
	for _, p := range list {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// CheckURL tells in words what is wrong with a URL that a user gave for outgoing requests, nil when it may be stored. Only https to a
// public host on port 443 or 8443; with allowLoopback also http and https to this machine on any port. A name that later resolves to
// a private address is refused when it is dialed.
func CheckURL(raw string, allowLoopback bool) error {
	if len(raw) > 2048 {
		return errors.New("the URL is longer than 2,048 characters")
	}
	for _, r := range raw {
		if r <= ' ' || r >= 0x7f || r == '\\' {
			return errors.New("the URL has a space, a backslash or a character outside ASCII; write an international host name as xn--…")
		}
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("that is not a URL; it looks like https://api.example.com")
	}
	return checkURL(u, allowLoopback)
}

func checkURL(u *url.URL, allowLoopback bool) error {
	switch {
	case u.Opaque != "" || u.Host == "":
		return errors.New("that is not an absolute URL; it looks like https://api.example.com")
	case u.User != nil:
		return errors.New("the URL must not contain a user name or password")
	case u.Fragment != "" || strings.HasSuffix(u.Host, ":"):
		return errors.New("the URL must not contain a fragment or an empty port")
	}
	host := strings.ToLower(u.Hostname())
	local, err := checkHost(host, strings.HasPrefix(u.Host, "["))
	if err != nil {
		return err
	}
	if local {
		if !allowLoopback {
			return errors.New("the URL leads to this machine or a private network; only public hosts are allowed, except on this machine while the server runs with the lab")
		}
		if u.Scheme != "http" && u.Scheme != "https" {
			return errors.New("the URL must begin with https:// or http://")
		}
		return nil
	}
	if u.Scheme != "https" {
		return errors.New("the URL must begin with https://")
	}
	if port := u.Port(); port != "" && port != "443" && port != "8443" {
		return fmt.Errorf("port %s is not allowed; use 443 or 8443", port)
	}
	return nil
}

// checkHost refuses every spelling of a private address and tells whether the host is this machine's loopback.
func checkHost(host string, bracketed bool) (loopback bool, err error) {
	private := errors.New("the URL leads to this machine or a private network; only public hosts are allowed")
	if ip, err := netip.ParseAddr(host); err == nil {
		switch {
		case isLoopback(ip):
			return true, nil
		case !public(ip):
			return false, private
		case ip.Is4In6() || !ip.Is4() && !bracketed:
			return false, errors.New("the URL's host is not written as an ordinary address")
		}
		return false, nil
	}
	host = strings.TrimSuffix(host, ".")
	if host == "localhost" {
		return true, nil
	}
	labels := strings.Split(host, ".")
	last := labels[len(labels)-1]
	// The C resolver takes "127.1", "0x7f.0.0.1" and "2130706433" for addresses: a host that ends in a number is refused, as in the
	// WHATWG URL rules.
	if last == "" || last[0] >= '0' && last[0] <= '9' {
		return false, errors.New("the URL's host ends in a number but is no ordinary address")
	}
	if len(labels) < 2 {
		return false, private
	}
	switch last {
	case "localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "onion", "arpa":
		return false, private
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false, errors.New("the URL's host is not a valid name")
		}
	}
	return false, nil
}

func isLoopback(ip netip.Addr) bool { return ip.Zone() == "" && ip.Unmap().IsLoopback() }
