package proof

import (
	"fmt"
	"io"
)

// listRow is the length of every row of a generated list, line end included.
const listRow = 23

// listOf is a list of fictional recipients that is made while it is read: row i of any list is a function of its number, so a million
// rows need no memory. All numbers have the office code 555, which is not given to subscribers; only the lab ever hears of them.
func listOf(first, n int) io.ReaderAt { return &list{first: first, n: n} }

type list struct{ first, n int }

// ReadAt fills b with rows from a byte offset.
func (l *list) ReadAt(b []byte, off int64) (int, error) {
	done := 0
	for done < len(b) {
		row := int((off + int64(done)) / listRow)
		if row >= l.n {
			return done, io.EOF
		}
		text := rowOf(l.first + row)
		done += copy(b[done:], text[(off+int64(done))%listRow:])
	}
	return done, nil
}

// areaCodes are geographic and lie in one zone each; 10,000 numbers of each make lists of more than a million.
var areaCodes = []int{
	201, 202, 203, 205, 206, 207, 209, 210, 212, 213, 214, 215, 216, 217, 218, 224, 225, 228, 229, 231, 234, 239, 240, 248, 251,
	252, 253, 254, 256, 260, 262, 267, 269, 276, 281, 301, 302, 303, 304, 305, 307, 309, 310, 312, 313, 314, 315, 316, 317, 318, 319, 320, 321, 323,
	325, 330, 331, 336, 337, 339, 347, 351, 352, 360, 361, 386, 401, 402, 404, 405, 406, 407, 408, 409, 410, 412, 413, 414, 415, 417, 419, 424, 425,
	430, 432, 434, 435, 440, 443, 469, 470, 475, 478, 479, 480, 484, 501, 502, 503, 504, 505, 507, 508, 509, 510, 512, 513, 515, 516, 517, 518, 520,
}

func rowOf(i int) string {
	return fmt.Sprintf("+1%03d555%04d,P%08d\n", areaCodes[i%len(areaCodes)], i/len(areaCodes)%10000, i)
}
