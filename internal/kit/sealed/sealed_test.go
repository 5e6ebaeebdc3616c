package sealed_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overture-im/overture/internal/kit/sealed"
)

func keys(t *testing.T, first byte, older ...byte) *sealed.Keys {
	t.Helper()
	var old [][]byte
	for _, b := range older {
		old = append(old, bytes.Repeat([]byte{b}, sealed.KeySize))
	}
	k, err := sealed.New(bytes.Repeat([]byte{first}, sealed.KeySize), old...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t *testing.T, k *sealed.Keys, plain, bound string) string {
	t.Helper()
	s, err := k.Seal(plain, bound)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSealedTextOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	k := keys(t, 1)
	const plain = "token-canary"
	text := seal(t, k, plain, "sender/snd_1/credentials")
	if strings.Contains(text, plain) || seal(t, k, plain, "sender/snd_1/credentials") == text {
		t.Fatalf("sealed text %q shows the secret or repeats itself", text)
	}
	if got, err := k.Open(text, "sender/snd_1/credentials"); err != nil || got != plain {
		t.Fatalf("Open = %q, %v", got, err)
	}
	changed := []byte(text)
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() (string, error){
		"another row":     func() (string, error) { return k.Open(text, "sender/snd_2/credentials") },
		"another key":     func() (string, error) { return keys(t, 2).Open(text, "sender/snd_1/credentials") },
		"changed byte":    func() (string, error) { return k.Open(string(changed), "sender/snd_1/credentials") },
		"cut off":         func() (string, error) { return k.Open(text[:20], "sender/snd_1/credentials") },
		"unknown version": func() (string, error) { return k.Open("v2"+text[2:], "sender/snd_1/credentials") },
		"empty":           func() (string, error) { return k.Open("", "sender/snd_1/credentials") },
	} {
		if got, err := open(); !errors.Is(err, sealed.ErrNotOpened) || got != "" {
			t.Errorf("%s: Open = %q, %v; want ErrNotOpened", name, got, err)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old := seal(t, keys(t, 1), "secret", "a")
	rotated := keys(t, 2, 1)
	if got, err := rotated.Open(old, "a"); err != nil || got != "secret" {
		t.Fatalf("old text: %q, %v", got, err)
	}
	if _, err := keys(t, 1).Open(seal(t, rotated, "secret", "a"), "a"); err == nil {
		t.Fatal("new text opens with the old key")
	}
}

func TestKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := sealed.LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode = %v, %v; want 0600", info.Mode(), err)
	}
	again, err := sealed.LoadOrCreate(path)
	if err != nil || !bytes.Equal(first, again) {
		t.Fatalf("second load gives another key (%v)", err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("temporary files were left: %v", entries)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.LoadOrCreate(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v; want a hint", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sealed.LoadOrCreate(path); err == nil || !strings.Contains(err.Error(), "openssl rand") {
		t.Errorf("a broken key: %v; want a hint", err)
	}
}

func FuzzOpen(f *testing.F) {
	k, err := sealed.New(make([]byte, sealed.KeySize))
	if err != nil {
		f.Fatal(err)
	}
	text, _ := k.Seal("x", "b")
	f.Add(text)
	f.Add("v1..")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := k.Open(s, "b"); err == nil && got != "x" {
			t.Fatalf("forged text opened: %q", s)
		}
	})
}
