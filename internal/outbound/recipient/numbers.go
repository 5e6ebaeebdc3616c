package recipient

import (
	"hash/maphash"
	"math/bits"
	"slices"
	"sort"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/flake"
)

// number is an E.164 address in 64 bits, ordered like its text: four bits a digit from the left, digit+1, so that a shorter number comes
// before its continuations.
type number uint64

// pack gives the number of an address; ok is false for what is no plus with 1 to 15 digits.
func pack(a overture.Address) (n number, ok bool) {
	if len(a) < 2 || len(a) > 16 || a[0] != '+' {
		return 0, false
	}
	shift := 60
	for i := 1; i < len(a); i++ {
		c := a[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		n |= number(c-'0'+1) << shift
		shift -= 4
	}
	return n, true
}

// address is the inverse of pack.
func (n number) address() overture.Address {
	var b [16]byte
	b[0] = '+'
	size := 1
	for shift := 60; shift >= 4; shift -= 4 {
		d := n >> shift & 15
		if d == 0 {
			break
		}
		b[size] = byte('0' + d - 1)
		size++
	}
	return overture.Address(b[:size])
}

const pageSize = 1 << 14

// numbers are the numbers of one import in the order they came, without duplicates: about 20 bytes each, with the table that finds them
// again.
type numbers struct {
	seed  maphash.Seed
	slots []uint32 // place+1 in order; 0: free
	keys  [][]number
	rows  [][]uint32
	n     int
}

func newNumbers() *numbers {
	return &numbers{seed: maphash.MakeSeed(), slots: make([]uint32, 1<<12)}
}

// add puts a number in its row; when it is there already it gives the row where it came first.
func (x *numbers) add(key number, row int) (first int, fresh bool) {
	if 4*(x.n+1) > 3*len(x.slots) {
		x.grow()
	}
	slot := x.find(key)
	if at := x.slots[slot]; at != 0 {
		return int(x.rows[(at-1)/pageSize][(at-1)%pageSize]), false
	}
	if x.n%pageSize == 0 {
		x.keys = append(x.keys, make([]number, 0, pageSize))
		x.rows = append(x.rows, make([]uint32, 0, pageSize))
	}
	last := len(x.keys) - 1
	x.keys[last] = append(x.keys[last], key)
	x.rows[last] = append(x.rows[last], uint32(row))
	x.n++
	x.slots[slot] = uint32(x.n)
	return row, true
}

// find gives the slot of a key, or the free one where it belongs.
func (x *numbers) find(key number) int {
	mask := len(x.slots) - 1
	slot := int(maphash.Comparable(x.seed, key)) & mask
	for x.slots[slot] != 0 && x.key(int(x.slots[slot]-1)) != key {
		slot = (slot + 1) & mask
	}
	return slot
}

func (x *numbers) grow() {
	x.slots = make([]uint32, 2*len(x.slots))
	for i := range x.n {
		x.slots[x.find(x.key(i))] = uint32(i + 1)
	}
}

func (x *numbers) key(i int) number { return x.keys[i/pageSize][i%pageSize] }

// sorted gives the places of the numbers in the order of their text, leaving out those that skip tells. It lets go of the search table.
func (x *numbers) sorted(skip func(i int) bool) []uint32 {
	x.slots = nil
	order := make([]uint32, 0, x.n)
	for i := range x.n {
		if !skip(i) {
			order = append(order, uint32(i))
		}
	}
	slices.SortFunc(order, func(a, b uint32) int {
		ka, kb := x.key(int(a)), x.key(int(b))
		switch {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	return order
}

// storedIDs are the ids of the numbers, in their order: a chunk got consecutive ids, so one id and a bit per row say it all.
type storedIDs struct {
	chunks []storedChunk
	n      int
}

type storedChunk struct {
	from  int                           // place of the chunk's first number
	first int64                         // id of the first row that was stored
	kept  [(chunkRows + 63) / 64]uint64 // rows that were stored; the others are in the list already
}

func (c *storedChunk) keep(i int) { c.kept[i/64] |= 1 << (i % 64) }

// add notes a chunk of n numbers.
func (s *storedIDs) add(c storedChunk, n int) {
	c.from = s.n
	s.n += n
	if n > 0 {
		s.chunks = append(s.chunks, c)
	}
}

// id of the i-th number; 0 when it was not stored.
func (s *storedIDs) id(i int) overture.RecipientID {
	c := &s.chunks[sort.Search(len(s.chunks), func(k int) bool { return s.chunks[k].from > i })-1]
	i -= c.from
	if c.kept[i/64]&(1<<(i%64)) == 0 {
		return 0
	}
	before := bits.OnesCount64(c.kept[i/64] & (1<<(i%64) - 1))
	for _, word := range c.kept[:i/64] {
		before += bits.OnesCount64(word)
	}
	return overture.RecipientID(flake.Nth(c.first, before))
}
