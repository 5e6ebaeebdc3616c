// Package backupfile is the container of a backup: one line of JSON, the database, and a SHA-256 of both; optionally all of it encrypted with
// age. The sum is ours because SQLite's own check does not see a flipped bit inside a text.
package backupfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"filippo.io/age"
)

// Header says what the backup is. The master key is never part of it.
type Header struct {
	Format  string    `json:"format"`   // always Format
	TakenAt time.Time `json:"taken_at"` // everything committed before is inside
	Schema  int64     `json:"schema"`
	Size    int64     `json:"size"` // of the database, in bytes
}

// Format is the first word of a backup.
const Format = "overture-backup-1"

// maxHeader bounds what is read while looking for the header.
const maxHeader = 4 << 10

var errBroken = errors.New("the backup is damaged: its checksum does not fit its content; take an older one")

// Write packs size bytes of the database. With recipients the whole container is encrypted to them.
func Write(w io.Writer, h Header, database io.Reader, recipients []age.Recipient) (err error) {
	if len(recipients) > 0 {
		sealed, err := age.Encrypt(w, recipients...)
		if err != nil {
			return fmt.Errorf("encrypt the backup: %w", err)
		}
		if err := pack(sealed, h, database); err != nil {
			return err
		}
		return sealed.Close()
	}
	return pack(w, h, database)
}

func pack(w io.Writer, h Header, database io.Reader) error {
	h.Format = Format
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("describe the backup: %w", err)
	}
	sum := sha256.New()
	out := io.MultiWriter(w, sum)
	if _, err := out.Write(append(head, '\n')); err != nil {
		return err
	}
	n, err := io.Copy(out, database)
	if err != nil {
		return err
	}
	if n != h.Size {
		return fmt.Errorf("the database has %d bytes, %d were announced", n, h.Size)
	}
	_, err = w.Write(sum.Sum(nil))
	return err
}

// ErrEncrypted is why a backup cannot be read without an identity.
var ErrEncrypted = errors.New("the backup is encrypted: give the age identity file (--age-identity)")

// Read unpacks a backup into database and gives its header. Nothing of what was written may be used when it returns an error.
func Read(r io.Reader, database io.Writer, identities []age.Identity) (Header, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if start, _ := in.Peek(len(encryptedStart)); string(start) == encryptedStart {
		if len(identities) == 0 {
			return Header{}, ErrEncrypted
		}
		opened, err := age.Decrypt(in, identities...)
		if err != nil {
			return Header{}, fmt.Errorf("decrypt the backup: %w", err)
		}
		in = bufio.NewReaderSize(opened, 64<<10)
	}
	return unpack(in, database)
}

const encryptedStart = "age-encryption.org/"

func unpack(in *bufio.Reader, database io.Writer) (h Header, err error) {
	sum := sha256.New()
	line, err := readLine(in)
	if err != nil {
		return h, err
	}
	_, _ = sum.Write(line) // a hash never fails
	if json.Unmarshal(bytes.TrimSpace(line), &h) != nil || h.Format != Format || h.Size < 0 {
		return h, errors.New("this is not a backup of Overture, or its beginning is damaged")
	}
	n, err := io.CopyN(io.MultiWriter(database, sum), in, h.Size)
	if err != nil {
		return h, cut(err, n, h.Size)
	}
	return h, checkSum(in, sum)
}

func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for len(line) < maxHeader {
		b, err := in.ReadByte()
		if err != nil {
			return nil, cut(err, int64(len(line)), 0)
		}
		if line = append(line, b); b == '\n' {
			return line, nil
		}
	}
	return nil, errors.New("this is not a backup of Overture, or its beginning is damaged")
}

func checkSum(in io.Reader, sum hash.Hash) error {
	var want [sha256.Size]byte
	if _, err := io.ReadFull(in, want[:]); err != nil {
		return cut(err, 0, 0)
	}
	if !bytes.Equal(want[:], sum.Sum(nil)) {
		return errBroken
	}
	if n, err := io.CopyN(io.Discard, in, 1); n > 0 || !errors.Is(err, io.EOF) {
		return errors.Join(errBroken, ignoreEOF(err))
	}
	return nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func cut(err error, n, of int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the backup is cut off after %d of %d bytes; take another one", n, of)
	}
	return fmt.Errorf("read the backup: %w", err)
}

// Recipients reads age public keys, one or more.
func Recipients(keys []string) ([]age.Recipient, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	out, err := age.ParseRecipients(strings.NewReader(strings.Join(keys, "\n")))
	if err != nil {
		return nil, fmt.Errorf("age recipient: %w", err)
	}
	return out, nil
}

// Identities reads an age identity file.
func Identities(file io.Reader) ([]age.Identity, error) {
	out, err := age.ParseIdentities(file)
	if err != nil {
		return nil, fmt.Errorf("age identity: %w", err)
	}
	return out, nil
}
