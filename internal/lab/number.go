package lab

import "strconv"

// number is an E.164 number without its plus; zero is none. Eight bytes instead of a string keep a million messages small.
type number uint64

// parseNumber reads "+" and 7 to 15 digits. North American numbers have exactly ten digits after the 1.
func parseNumber[T string | []byte](s T) (number, bool) {
	if len(s) < 8 || len(s) > 16 || s[0] != '+' || s[1] == '0' {
		return 0, false
	}
	var n number
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + number(s[i]-'0')
	}
	if s[1] == '1' && len(s) != 12 {
		return 0, false
	}
	return n, true
}

func (n number) append(b []byte) []byte { return strconv.AppendUint(append(b, '+'), uint64(n), 10) }

func (n number) String() string {
	if n == 0 {
		return ""
	}
	return string(n.append(make([]byte, 0, 16)))
}

// mix is splitmix64: every fault, every phone's character and every SID come from it, so a seed replays a run.
func mix(parts ...uint64) uint64 {
	var h uint64
	for _, p := range parts {
		h += p + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// share turns a hash into a number in [0,1).
func share(h uint64) float64 { return float64(h>>11) / (1 << 53) }
