package egress_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/egress"
)

// hostile lists URLs that must be refused always, lab or not. One corpus for CheckURL and for Do.
var hostile = strings.Fields(`
	http://api.example.com  ftp://api.example.com  file:///etc/passwd  gopher://api.example.com:70/_x  javascript:alert(1)  data:,x  //api.example.com
	api.example.com  https:api.example.com  https://  https:///x  https://?x  https://:443  https://api.example.com:  mailto:a@example.com
	https://user@api.example.com  https://user:pw@api.example.com  https://api.example.com@evil.example  https://127.0.0.1@api.example.com
	https://api.example.com#x  https://api.example.com#@127.0.0.1  https://api.example.com\@evil.example  https:\\api.example.com
	https://api.example.com:22  https://api.example.com:25  https://api.example.com:80  https://api.example.com:6379  https://api.example.com:0
	https://api.example.com:65536  https://api.example.com:-1  https://api.example.com:443x  https://api.example.com:99999999999
	https://0.0.0.0  https://0.1.2.3  https://10.0.0.1  https://10.255.255.255  https://100.64.0.1  https://100.100.100.200  https://100.127.255.254
	https://169.254.169.254/latest/meta-data/  https://169.254.170.2  https://168.63.129.16  https://172.16.0.1  https://172.31.255.255
	https://192.0.0.1  https://192.0.0.192  https://192.0.2.1  https://192.88.99.1  https://192.168.0.1  https://192.168.255.255  https://198.18.0.1  https://198.19.255.255
	https://198.51.100.1  https://203.0.113.1  https://224.0.0.1  https://239.255.255.255  https://240.0.0.1  https://255.255.255.255
	https://127.1  https://127.0.1  https://0177.0.0.1  https://0x7f.0.0.1  https://0x7f000001  https://2130706433  https://017700000001
	https://127.0.0.1.  https://127.0.0.1.:443  https://127.0.0.01  https://0127.0.0.1  https://256.0.0.1  https://1.2.3  https://1.2.3.4.5  https://0  https://1
	https://10.1  https://169.254.43518  https://0xa9fea9fe  https://2852039166  https://0251.0376.0251.0376  https://api.example.0x1  https://api.example.1
	https://[::]  https://[::2]  https://[::10.0.0.1]  https://[::ffff:10.0.0.1]  https://[::ffff:169.254.169.254]  https://[::ffff:a9fe:a9fe]
	https://[::ffff:8.8.8.8]  https://[::ffff:0:7f00:1]  https://[fe80::1]  https://[fe80::1%25eth0]  https://[febf::1]  https://[fec0::1]  https://[fc00::1]  https://[fd00:ec2::254]
	https://[fdff::1]  https://[ff02::1]  https://[ff0e::1]  https://[2001:db8::1]  https://[2001::1]  https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]
	https://[2002:7f00:1::]  https://[2002:a9fe:a9fe::1]  https://[3fff::1]  https://[64:ff9b::7f00:1]  https://[64:ff9b::a9fe:a9fe]  https://[64:ff9b:1::1]
	https://[100::1]  https://[5f00::1]  https://[4000::1]  https://[2606:4700::1111%25x]  https://[v1.a]  https://[]
	https://intranet  https://db  https://metadata  https://metadata.google.internal  https://a.internal  https://printer.local  https://a.localhost
	https://nas.lan  https://router.home  https://x.corp  https://1.0.0.127.in-addr.arpa  https://a..example.com  https://.example.com  https://-.
	https://api_x.example.com  https://api%2eexample.com  https://127%2e0%2e0%2e1  https://%31%32%37.0.0.1  https://api.example.com%00.evil.example
	https://１２７.０.０.１  https://①②⑦.0.0.1  https://127。0。0。1  https://münchen.example  https://api.exаmple.com  https://localhoſt
	https://*.example.com  https://a,b.example.com  https://a;b.example.com  https://a$b.example.com  https://{host}.example.com  https://<b>.example.com
	https://169.254.169.254.  https://[::ffff:127.0.0.1%25lo]  https://10.0.0.1:8443/x  https://192.168.1.1:443/admin?x=1
`)

var loopback = strings.Fields(`
	http://127.0.0.1  http://127.0.0.1:4010/x  https://127.0.0.1:9/  http://127.255.255.254  http://localhost:8080  https://LOCALHOST  http://localhost.
	http://[::1]:4010  https://[::1]  http://[::ffff:127.0.0.1]:80  http://[0:0:0:0:0:0:0:1]
`)

var welcome = strings.Fields(`
	https://api.twilio.com  https://api.twilio.com/  https://API.TWILIO.COM:443/2010-04-01  https://hooks.example.com:8443/a/b?c=d&e=f  https://example.co.uk.
	https://xn--mnchen-3ya.example/x  https://8.8.8.8  https://1.1.1.1:443  https://[2606:4700:4700::1111]  https://[64:ff9b::808:808]/x  https://a-b.c1.example
	https://172.15.0.1  https://172.32.0.1  https://100.63.0.1  https://100.128.0.1  https://11.0.0.1  https://126.1.2.3  https://223.1.2.3
`)

// spellings writes private IPv4 addresses in every form that some resolver understands.
func spellings() []string {
	var out []string
	for _, ip := range []string{"127.0.0.2", "10.1.2.3", "169.254.169.254", "172.20.0.1", "192.168.10.1", "100.100.100.200", "168.63.129.16"} {
		b := netip.MustParseAddr(ip).As4()
		word := binary.BigEndian.Uint32(b[:])
		hi, lo := word>>16, word&0xffff
		for _, host := range []string{
			fmt.Sprint(word), fmt.Sprintf("0x%08x", word), fmt.Sprintf("0%o", word), fmt.Sprintf("0%o.0%o.0%o.0%o", b[0], b[1], b[2], b[3]),
			fmt.Sprintf("0x%x.0x%x.0x%x.0x%x", b[0], b[1], b[2], b[3]), fmt.Sprintf("%d.%d", b[0], word&0xffffff), fmt.Sprintf("%d.%d.%d", b[0], b[1], lo),
			fmt.Sprintf("[64:ff9b::%x:%x]", hi, lo), fmt.Sprintf("[2002:%x:%x::1]", hi, lo), fmt.Sprintf("[2001:0:1:2:3:4:%x:%x]", ^hi&0xffff, ^lo&0xffff),
			fmt.Sprintf("[::%s]", ip), fmt.Sprintf("%s%%2f.example.com", ip),
		} {
			out = append(out, "https://"+host)
		}
	}
	return out
}

func TestCheckURL(t *testing.T) {
	hostile := append(hostile, spellings()...)
	if len(hostile) < 200 {
		t.Fatalf("only %d hostile URLs", len(hostile))
	}
	for _, raw := range append(hostile, "", " ", "https://api.example.com/a b", "https://api.example.com/\n", "\thttps://api.example.com",
		"https://api.example.com/\x00", "https://127.0.0.1 @api.example.com", "https://"+strings.Repeat("a", 64)+".example.com",
		"https://api.example.com/"+strings.Repeat("x", 2048)) {
		for _, lab := range []bool{false, true} {
			if egress.CheckURL(raw, lab) == nil {
				t.Errorf("CheckURL(%q, lab %v) passes", raw, lab)
			}
		}
	}
	for _, raw := range loopback {
		if egress.CheckURL(raw, false) == nil {
			t.Errorf("CheckURL(%q) passes without the lab", raw)
		}
		if err := egress.CheckURL(raw, true); err != nil {
			t.Errorf("CheckURL(%q) with the lab: %v", raw, err)
		}
	}
	for _, raw := range welcome {
		if err := egress.CheckURL(raw, false); err != nil {
			t.Errorf("CheckURL(%q): %v", raw, err)
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, list := range [][]string{hostile, loopback, welcome} {
		for _, raw := range list {
			f.Add(raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if egress.CheckURL(raw, false) == nil && egress.CheckURL(raw, true) != nil {
			t.Error("the lab refuses what is allowed without it")
		}
	})
}
