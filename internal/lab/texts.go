package lab

// texts keeps the newest distinct bodies. A campaign's constant text is stored once however many messages carry it.
type texts struct {
	keep   int      // negative: all
	list   []string // list[0] has id base
	base   uint32   // ids start at 1
	recent [1024]uint32
}

// put gives the id of the body, stored or already there. hash spreads bodies over the recent slots.
func (t *texts) put(hash uint16, body []byte) uint32 {
	slot := &t.recent[hash%uint16(len(t.recent))]
	if old, ok := t.get(*slot); ok && old == string(body) && !t.leavesSoon(*slot) {
		return *slot
	}
	if t.base == 0 {
		t.base = 1
	}
	t.list = append(t.list, string(body))
	if t.keep >= 0 && len(t.list) > t.keep {
		t.list[0] = ""
		t.list = t.list[1:]
		t.base++
	}
	*slot = t.base + uint32(len(t.list)) - 1
	return *slot
}

// leavesSoon tells whether the id is in the older half, where a new message should not rely on it.
func (t *texts) leavesSoon(id uint32) bool {
	return t.keep >= 0 && len(t.list) > t.keep/2 && int(id-t.base) < len(t.list)-t.keep/2
}

func (t *texts) get(id uint32) (string, bool) {
	if t.base == 0 || id < t.base || id >= t.base+uint32(len(t.list)) {
		return "", false
	}
	return t.list[id-t.base], true
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
