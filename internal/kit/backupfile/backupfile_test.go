package backupfile_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/overture-im/overture/internal/kit/backupfile"
)

func packed(t *testing.T, database []byte, to ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	h := backupfile.Header{TakenAt: time.Unix(1_800_000_000, 0).UTC(), Schema: 2, Size: int64(len(database))}
	if err := backupfile.Write(&out, h, bytes.NewReader(database), to); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func database(n int) []byte {
	b := make([]byte, n)
	for i, r := 0, rand.New(rand.NewPCG(1, 2)); i < n; i++ {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestABackupComesBackAsItWas(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	data := database(100_000)
	for _, sealed := range []bool{false, true} {
		var to []age.Recipient
		if sealed {
			to = append(to, key.Recipient())
		}
		file := packed(t, data, to...)
		if sealed == bytes.Contains(file, data[500:564]) {
			t.Errorf("encrypted %v: the content is readable in the file: %v", sealed, !sealed)
		}
		var out bytes.Buffer
		h, err := backupfile.Read(bytes.NewReader(file), &out, []age.Identity{key})
		if err != nil || !bytes.Equal(out.Bytes(), data) || h.Schema != 2 {
			t.Errorf("encrypted %v: %+v, %v, %d bytes", sealed, h, err, out.Len())
		}
		if !sealed {
			continue
		}
		if _, err := backupfile.Read(bytes.NewReader(file), io.Discard, nil); !errors.Is(err, backupfile.ErrEncrypted) {
			t.Errorf("without a key: %v", err)
		}
		if _, err := backupfile.Read(bytes.NewReader(file), io.Discard, []age.Identity{other}); err == nil {
			t.Error("opened with another key")
		}
	}
}

// F-P4 for backups: no flipped bit, no missing and no added byte goes unseen.
func TestDamageIsSeen(t *testing.T) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"plain": packed(t, database(3000)), "encrypted": packed(t, database(3000), key.Recipient())} {
		read := func(file []byte) error {
			_, err := backupfile.Read(bytes.NewReader(file), io.Discard, []age.Identity{key})
			return err
		}
		for at := range file {
			file[at] ^= 1 << (at % 8)
			if read(file) == nil {
				t.Fatalf("%s: a flipped bit in byte %d of %d was not seen", name, at, len(file))
			}
			file[at] ^= 1 << (at % 8)
		}
		for n := range file {
			if n%37 == 0 && read(file[:n]) == nil {
				t.Fatalf("%s: cut off after %d bytes and not seen", name, n)
			}
		}
		if read(append(bytes.Clone(file), 'x')) == nil {
			t.Errorf("%s: a byte too many was not seen", name)
		}
		if err := read(file); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysAreRead(t *testing.T) {
	if _, err := backupfile.Recipients([]string{"age1nonsense"}); err == nil {
		t.Error("a key that is none was taken")
	}
	if got, err := backupfile.Recipients(nil); err != nil || got != nil {
		t.Error(got, err)
	}
	if _, err := backupfile.Identities(strings.NewReader("nonsense")); err == nil {
		t.Error("an identity that is none was taken")
	}
}
