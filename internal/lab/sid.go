package lab

import (
	"encoding/binary"
	"encoding/hex"
)

// A SID names its message by itself: eight bytes derived from the number under the lab's key, then four bytes more, then the number.
// So a lookup needs no index, and a SID of another lab or an invented one is not found.

const inboundBit = 1 << 31 // what phones wrote has its own numbers

func sid(key uint64, n uint32) string {
	raw := rawSID(key, n)
	out := make([]byte, 34)
	out[0], out[1] = 'S', 'M'
	hex.Encode(out[2:], raw[:])
	return string(out)
}

func rawSID(key uint64, n uint32) (raw [16]byte) {
	h := mix(key, uint64(n))
	binary.BigEndian.PutUint64(raw[:], h)
	binary.BigEndian.PutUint32(raw[8:], uint32(mix(h, key)))
	binary.BigEndian.PutUint32(raw[12:], n^uint32(key))
	return raw
}

// parseSID gives the number behind a SID of this lab, zero for anything else.
func parseSID(key uint64, s string) uint32 {
	if len(s) != 34 || s[0] != 'S' || s[1] != 'M' {
		return 0
	}
	raw, err := hex.DecodeString(s[2:])
	if err != nil {
		return 0
	}
	n := binary.BigEndian.Uint32(raw[12:]) ^ uint32(key)
	if rawSID(key, n) != [16]byte(raw) {
		return 0
	}
	return n
}
