// Package sealed encrypts short texts at rest with AES-256-GCM. A sealed text is bound to a name, such as a row and a field: moved to
// another row it does not open (T26).
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeySize of a master key in bytes.
const KeySize = 32

const version = "v1"

// ErrNotOpened is every reason why a sealed text does not open: another key, another name, or a changed byte. They are not told apart.
var ErrNotOpened = errors.New("the secret does not open: it was sealed with another master key or for another row, or it was changed")

// Keys seal with the first key and open with any. Safe for concurrent use.
type Keys struct {
	first string
	byID  map[string]cipher.AEAD
}

// New takes the key that seals and, during a rotation, older keys that still open.
func New(key []byte, older ...[]byte) (*Keys, error) {
	k := &Keys{first: keyID(key), byID: map[string]cipher.AEAD{}}
	for _, raw := range append([][]byte{key}, older...) {
		if len(raw) != KeySize {
			return nil, fmt.Errorf("a master key is %d bytes, this one has %d", KeySize, len(raw))
		}
		block, err := aes.NewCipher(raw)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		k.byID[keyID(raw)] = aead
	}
	return k, nil
}

// keyID names a key without telling anything about it.
func keyID(key []byte) string {
	sum := sha256.Sum256(append([]byte("overture master key id\n"), key...))
	return hex.EncodeToString(sum[:4])
}

// Seal encrypts plain so that it opens only with the same bound name. The result is ASCII: version, key id, ciphertext.
func (k *Keys) Seal(plain, bound string) (string, error) {
	head := version + "." + k.first
	raw := k.byID[k.first].Seal(nil, nil, []byte(plain), []byte(head+"\n"+bound)) //nolint:gosec // this AEAD makes its own random nonce
	return head + "." + base64.RawStdEncoding.EncodeToString(raw), nil
}

// Open decrypts what Seal made. The only error is ErrNotOpened.
func (k *Keys) Open(sealed, bound string) (string, error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 3 || parts[0] != version {
		return "", ErrNotOpened
	}
	aead, ok := k.byID[parts[1]]
	if !ok {
		return "", ErrNotOpened
	}
	raw, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err != nil {
		return "", ErrNotOpened
	}
	plain, err := aead.Open(nil, nil, raw, []byte(parts[0]+"."+parts[1]+"\n"+bound))
	if err != nil {
		return "", ErrNotOpened
	}
	return string(plain), nil
}

// ParseKey reads a master key from its base64 form, as it stands in OVERTURE_MASTER_KEY or a key file.
func ParseKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != KeySize {
		return nil, fmt.Errorf("a master key is %d random bytes in base64, 44 characters; make one with: openssl rand -base64 32", KeySize)
	}
	return key, nil
}

// LoadOrCreate reads the key file, or makes one with a new random key that only its owner can read.
func LoadOrCreate(path string) ([]byte, error) {
	key, err := load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key = make([]byte, KeySize)
	_, _ = rand.Read(key) // never fails
	if err := create(path, base64.StdEncoding.EncodeToString(key)+"\n"); err != nil {
		if errors.Is(err, fs.ErrExist) { // somebody else was first
			return load(path)
		}
		return nil, err
	}
	return key, nil
}

func load(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("master key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("master key file %s can be read by others (mode %o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("master key file: %w", err)
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", path, err)
	}
	return key, nil
}

// create writes the whole file durably before it appears under its name, and never replaces one: losing a key loses every secret.
func create(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".master-key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("create master key file: %w", err)
	}
	defer os.Remove(f.Name()) // the link below keeps the file; the temporary name is not needed any more
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write master key file: %w", err)
	}
	if err := os.Link(f.Name(), path); err != nil {
		return fmt.Errorf("create master key file: %w", err)
	}
	return nil
}
