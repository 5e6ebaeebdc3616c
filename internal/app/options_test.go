package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/app"
)

func TestOptionsThatContradictEachOtherAreRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		options app.Options
		want    string // part of the message; empty: accepted
	}{
		{"nothing set", app.Options{}, ""},
		{"no port", app.Options{Listen: "127.0.0.1"}, "--listen"},
		{"node too large", app.Options{Node: 256}, "--node"},
		{"public address without a scheme", app.Options{PublicURL: "messages.example.com"}, "--public-url"},
		{"public address in the clear", app.Options{PublicURL: "http://messages.example.com"}, "--public-url"},
		{"loopback in the clear", app.Options{PublicURL: "http://127.0.0.1:8080"}, ""},
		{"grace shorter than the provider's delay", app.Options{Send: app.SendSettings{Grace: 30 * time.Second}}, "--grace"},
		{"a real provider is never fast", app.Options{Send: app.SendSettings{ProviderDelay: time.Second}}, "--provider-delay"},
		{"the lab may be fast", app.Options{Lab: true, Send: app.SendSettings{ProviderDelay: time.Second, LookupSpacing: time.Second}}, ""},
		{"not even the lab may have a grace below what it must cover", app.Options{Lab: true, Send: app.SendSettings{ProviderDelay: time.Second, Grace: time.Second}}, "--grace"},
		{"held too soon", app.Options{Send: app.SendSettings{HoldAfter: time.Hour}}, "--hold-after"},
		{"lookups too close", app.Options{Send: app.SendSettings{LookupSpacing: time.Second}}, "--lookup-spacing"},
		{"no connections", app.Options{Send: app.SendSettings{Connections: -1}}, "--connections"},
		{"identity provider", app.Options{SingleSignOn: app.SingleSignOn{Issuer: "https://id.example.com", ClientID: "c"}}, ""},
		{"identity provider in the clear", app.Options{SingleSignOn: app.SingleSignOn{Issuer: "http://id.example.com", ClientID: "c"}}, "--oidc-issuer"},
		{"identity provider without an address", app.Options{SingleSignOn: app.SingleSignOn{ClientID: "c"}}, "--oidc-issuer"},
		{"identity provider that does not know us", app.Options{SingleSignOn: app.SingleSignOn{Issuer: "https://id.example.com"}}, "--oidc-client-id"},
	} {
		_, err := app.New(c.options)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: refused: %v", c.name, err)
		case c.want != "" && (overture.KindOf(err) != overture.Invalid || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want a message about %s", c.name, err, c.want)
		}
	}
}
