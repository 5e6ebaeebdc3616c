package overture

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// ListHash identifies a set of recipients without regard to order: the sum, modulo 2²⁵⁶, of the SHA-256 of every row. Rows can be added and
// taken away, and lists combined, without reading the others again. The zero value is the empty list.
type ListHash [4]uint64

// RowHash is what one recipient adds to the hash of its list: number, zones, own text and values.
func RowHash(r *Recipient) ListHash {
	var space [512]byte
	b := appendPart(space[:0], string(r.Address))
	b = binary.AppendUvarint(b, uint64(len(r.Zones)))
	for _, z := range r.Zones {
		b = appendPart(b, z)
	}
	b = appendPart(b, r.Personal.Text)
	for _, v := range r.Personal.Values {
		b = appendPart(b, v)
	}
	sum := sha256.Sum256(b)
	var h ListHash
	for i := range h {
		h[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return h
}

func appendPart(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Plus gives the hash of both lists together.
func (h ListHash) Plus(other ListHash) ListHash {
	var carry uint64
	for i := range h {
		h[i], carry = bits.Add64(h[i], other[i], carry)
	}
	return h
}

// Minus gives the hash without the rows of the other list.
func (h ListHash) Minus(other ListHash) ListHash {
	var borrow uint64
	for i := range h {
		h[i], borrow = bits.Sub64(h[i], other[i], borrow)
	}
	return h
}

// String gives 64 hexadecimal digits.
func (h ListHash) String() string {
	var b [32]byte
	for i := range h {
		binary.LittleEndian.PutUint64(b[8*i:], h[i])
	}
	return hex.EncodeToString(b[:])
}

// ParseListHash reads what String wrote; the empty string is the empty list.
func ParseListHash(s string) (ListHash, error) {
	var h ListHash
	if s == "" {
		return h, nil
	}
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 {
		return h, ErrInvalid("list_hash", "a list hash has 64 hexadecimal digits")
	}
	for i := range h {
		h[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return h, nil
}
