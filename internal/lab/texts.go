package lab

// texts keeps the newest distinct bodies, and those that came more than once: a campaign's constant text is stored once, for good.
type texts struct {
	keep   int    // of list; negative: all
	list   []kept // list[0] has id base
	base   uint32 // ids start at 1
	shared map[uint32]string
	recent [1024]uint32 // last id by hash: where a repeated text is found
}

type kept struct {
	body   string
	shared bool
}

// put gives the id of the body, stored or already there. hash spreads bodies over the recent slots.
func (t *texts) put(hash uint16, body []byte) uint32 {
	slot := &t.recent[hash%uint16(len(t.recent))]
	if old, ok := t.get(*slot); ok && old == string(body) {
		if *slot >= t.base {
			t.list[*slot-t.base].shared = true
		}
		return *slot
	}
	if t.base == 0 {
		t.base = 1
	}
	t.list = append(t.list, kept{body: string(body)})
	if t.keep >= 0 && len(t.list) > t.keep {
		if first := t.list[0]; first.shared {
			if t.shared == nil {
				t.shared = map[uint32]string{}
			}
			t.shared[t.base] = first.body
		}
		t.list[0] = kept{}
		t.list = t.list[1:]
		t.base++
	}
	*slot = t.base + uint32(len(t.list)) - 1
	return *slot
}

func (t *texts) get(id uint32) (string, bool) {
	if t.base == 0 || id == 0 || id >= t.base+uint32(len(t.list)) {
		return "", false
	}
	if id < t.base {
		body, ok := t.shared[id]
		return body, ok
	}
	return t.list[id-t.base].body, true
}

// arena stores short strings in large blocks without a header each. It only grows.
type arena struct{ blocks [][]byte }

const arenaBlock = 1 << 18

// put stores at most arenaBlock bytes and gives their place. The place of an empty string is 0.
func (a *arena) put(s []byte) uint32 {
	if len(s) == 0 {
		return 0
	}
	last := len(a.blocks) - 1
	if last < 0 || len(a.blocks[last])+len(s) > arenaBlock {
		a.blocks = append(a.blocks, make([]byte, 0, arenaBlock))
		last++
	}
	at := len(a.blocks[last])
	a.blocks[last] = append(a.blocks[last], s...)
	return uint32(last*arenaBlock + at)
}

func (a *arena) get(at uint32, n int) string {
	if n == 0 {
		return ""
	}
	block, from := a.blocks[at/arenaBlock], int(at%arenaBlock)
	return string(block[from : from+n])
}
