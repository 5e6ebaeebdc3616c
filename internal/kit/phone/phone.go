// Package phone reads phone numbers as people write them in lists and says where on earth their owners may be.
//
// Numbers of calling code 1 take an own fast path without allocation; a property test holds it equal to the library that reads all
// others. Which zones a number may live in comes from own tables (nanp.txt, world.txt): the usual ones name one zone where there are
// several, and a message sent at a forbidden hour cannot be called back.
package phone

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// Number is a valid phone number.
type Number struct {
	E164        string   // "+12125550123"
	Region      string   // ISO 3166 code of the country, "US"; "001" when it belongs to none
	CallingCode int      // 1, 44 …
	Zones       []string // candidate IANA zones, shared: do not change. Empty: unknown
}

// nationalNumberError is the error of a number that lacks nothing but its country code.
type nationalNumberError string

func (n nationalNumberError) Error() string { return string(n) }

// IsNational tells whether a country code before the number may be all that it needs.
func IsNational(err error) bool {
	var n nationalNumberError
	return errors.As(err, &n)
}

// longest number of E.164, without the plus.
const maxDigits = 15

// Parse reads one number, country code first: "16001234567", "+16001234567", "1(600)1234567", "+1(600)1234567", also with spaces, dots
// and dashes. Without a plus it never guesses between two readings: "(646) 555-0100" is New York's without its country code, and as it
// stands also a number in New Zealand. Such a number is refused until its country code is there. The error says what to change; it never
// repeats the number.
func Parse(s string) (Number, error) {
	if n, ok := usual(s); ok {
		return n, nil
	}
	var digits [maxDigits + 1]byte
	n, plus, err := strip(s, &digits)
	if err != nil {
		return Number{}, err
	}
	d := digits[:n]
	switch {
	case d[0] == '0' && plus:
		return Number{}, errors.New("no country code begins with 0: put the country code after the plus, such as +44")
	case d[0] == '0':
		return Number{}, nationalNumberError("begins with 0: put the country code first and leave the leading zeros out, such as +44 7700 900123")
	case !plus && beginsWithArea(s):
		if isNANP(string(d)) {
			return Number{}, errNANP
		}
		return Number{}, nationalNumberError("begins with an area code in brackets: put a plus and the country code first, such as +44 (20) 7946 0958")
	case d[0] == '1':
		return parseNANP(s, d)
	}
	number, err := parseWorld(string(d), plus)
	if err == nil && !plus && isWholeNANP(d) {
		return Number{}, nationalNumberError(fmt.Sprintf("could be a number of the United States or Canada without its 1, or one of country code %d: put a plus and the country code first", number.CallingCode))
	}
	return number, err
}

// beginsWithArea tells whether brackets come first, as in "(646) 555-0100": nobody puts a country code into them but 1.
func beginsWithArea(s string) bool {
	_, after, found := strings.Cut(s, "(")
	group, _, _ := strings.Cut(after, ")")
	before := strings.IndexFunc(s, func(r rune) bool { return r >= '0' && r <= '9' })
	return found && before > strings.IndexByte(s, '(') && strings.TrimSpace(group) != "1"
}

// isWholeNANP tells whether ten digits are a valid number of country code 1.
func isWholeNANP(d []byte) bool {
	if !isNANP(string(d)) {
		return false
	}
	with := append([]byte{'1'}, d...)
	_, err := parseNANP(string(with), with)
	return err == nil
}

// usual reads what most lists hold, +1 and ten digits, as fast as it can be read. Whatever it does not know goes the long way.
func usual(s string) (Number, bool) {
	if len(s) != 12 || s[0] != '+' || s[1] != '1' || s[5] < '2' {
		return Number{}, false
	}
	for i := 2; i < 12; i++ {
		if s[i]-'0' > 9 {
			return Number{}, false
		}
	}
	code := &areaCodes()[int(s[2]-'0')*100+int(s[3]-'0')*10+int(s[4]-'0')]
	if !code.certain {
		return Number{}, false
	}
	return Number{E164: s, Region: code.region, CallingCode: 1, Zones: code.zones}, true
}

// strip keeps the digits. It never allocates unless it fails.
func strip(s string, digits *[maxDigits + 1]byte) (n int, plus bool, err error) {
	for i, r := range s {
		switch {
		case r >= '0' && r <= '9':
			if n < len(digits) {
				digits[n] = byte(r)
			}
			n++
		case r == '+':
			if n > 0 || plus {
				return 0, false, errors.New("a plus may only stand once, at the beginning")
			}
			plus = true
		case r == ' ', r == '-', r == '.', r == '(', r == ')', r == '/', r == '\t', r == '\u00a0', r == '\u202f', r == '\u2010', r == '\u2011', r == '\u2013':
		case (r == 'x' || r == 'X' || r == '#' || r == ';' || r == 'e' || r == 'E') && n > 0 && isExtension(s[i:]):
			return 0, false, errors.New("has an extension: messages go to a number, so remove the extension")
		case r == '\u200e', r == '\u200f', r == '\u202a', r == '\u202c', r == '\ufeff': // direction marks that come along when copying
		case unicode.IsLetter(r):
			return 0, false, errors.New("contains letters: write the number with digits only, country code first")
		default:
			return 0, false, fmt.Errorf("contains %q, which is no part of a phone number: write digits only, country code first", r)
		}
	}
	switch {
	case n == 0:
		return 0, false, errors.New("there is no phone number: write one, country code first, such as +12125550123")
	case n > maxDigits:
		return 0, false, fmt.Errorf("is too long: %d digits, and no phone number has more than %d", n, maxDigits)
	case n < 7:
		return 0, false, fmt.Errorf("is too short: %d digits with the country code; check that none is missing", n)
	}
	return n, plus, nil
}

func isExtension(s string) bool {
	s = strings.ToLower(s)
	for _, mark := range []string{";ext=", "extension", "extn", "ext", "x", "#"} {
		if rest, ok := strings.CutPrefix(s, mark); ok {
			return strings.Trim(rest, " .:0123456789") == ""
		}
	}
	return false
}

// parseNANP reads numbers of calling code 1: 1, area code, exchange, line.
func parseNANP(s string, d []byte) (Number, error) {
	if len(d) != 11 {
		problem := "short"
		if len(d) > 11 {
			problem = "long"
		}
		return Number{}, fmt.Errorf("is too %s: after the country code 1 come 10 digits, and here are %d", problem, len(d)-1)
	}
	code := areaCodes()[int(d[1]-'0')*100+int(d[2]-'0')*10+int(d[3]-'0')]
	out := Number{Region: code.region, CallingCode: 1, Zones: code.zones}
	switch {
	case code.region == "":
		return Number{}, fmt.Errorf("there is no area code %s in country code 1: check the digits, and that the country code comes first", string(d[1:4]))
	case code.certain && d[4] >= '2', fictional(d):
	default:
		number := library(1, nanpNational(d))
		if out.Region = phonenumbers.GetRegionCodeForNumber(number); !phonenumbers.IsValidNumber(number) {
			return Number{}, fmt.Errorf("area code %s has no numbers that begin with %s: check the digits", string(d[1:4]), string(d[4:7]))
		}
	}
	// The usual input already is E.164 and is kept as it is.
	if len(s) == 12 && s[0] == '+' && s[1:] == string(d) {
		out.E164 = s
	} else {
		out.E164 = "+" + string(d)
	}
	return out, nil
}

// fictional tells whether an 11-digit number is one of those kept for films and manuals: 555-01xx in any area code, and the number by
// which the source documents show how to write numbers, 1 (600) 123-4567. Demos and tests use them; nobody answers.
func fictional(d []byte) bool {
	return string(d[4:9]) == "55501" || string(d[1:]) == "6001234567"
}

// fictionalUK are Ofcom's mobile numbers for drama; the library does not know them.
const fictionalUK = "447700900"

func nanpNational(d []byte) uint64 {
	var n uint64
	for _, c := range d[1:] {
		n = n*10 + uint64(c-'0')
	}
	return n
}

func library(callingCode int32, national uint64) *phonenumbers.PhoneNumber {
	return &phonenumbers.PhoneNumber{CountryCode: &callingCode, NationalNumber: &national}
}

// parseWorld reads numbers of all other countries.
func parseWorld(d string, plus bool) (Number, error) {
	if strings.HasPrefix(d, fictionalUK) && len(d) == 12 {
		return Number{E164: "+" + d, Region: "GB", CallingCode: 44, Zones: zonesOfWorld(d)}, nil
	}
	code, ok := callingCode(d)
	if !ok && !plus && isNANP(d) {
		return Number{}, errNANP
	}
	if !ok {
		return Number{}, errors.New("there is no such country code: put the country code first, such as 1 for the United States or 44 for the United Kingdom")
	}
	rest := d[len(strconv.Itoa(code)):]
	// Without a leading zero the digits are the national number as it is, and the library's parser has nothing to add.
	if rest != "" && rest[0] != '0' {
		if region, valid := countryOf(code).regionOf(rest); valid {
			return Number{E164: "+" + d, Region: region, CallingCode: code, Zones: zonesOfWorld(d)}, nil
		}
	}
	number, err := phonenumbers.Parse("+"+d, "")
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return Number{}, whyInvalid(d, code, number, plus)
	}
	e164 := phonenumbers.Format(number, phonenumbers.E164)
	return Number{E164: e164, Region: phonenumbers.GetRegionCodeForNumber(number), CallingCode: code, Zones: zonesOfWorld(e164[1:])}, nil
}

const errNANP = nationalNumberError("has no country code: for a number in the United States or Canada put 1 in front")

// isNANP tells whether ten digits begin with an area code of country code 1.
func isNANP(d string) bool { return len(d) == 10 && areaCodes()[atoi(d[:3])].region != "" }

func whyInvalid(d string, code int, number *phonenumbers.PhoneNumber, plus bool) error {
	if !plus && isNANP(d) {
		return errNANP
	}
	country := "country code " + strconv.Itoa(code)
	if number != nil {
		switch phonenumbers.IsPossibleNumberWithReason(number) { //nolint:exhaustive // the rest gets the general words below
		case phonenumbers.TOO_SHORT:
			return fmt.Errorf("is too short for %s: check that no digit is missing", country)
		case phonenumbers.IS_POSSIBLE_LOCAL_ONLY:
			return fmt.Errorf("is too short for %s: the area code is missing", country)
		case phonenumbers.TOO_LONG:
			return fmt.Errorf("is too long for %s: check for extra digits", country)
		case phonenumbers.INVALID_LENGTH:
			return fmt.Errorf("has a length that %s does not use: check for missing or extra digits", country)
		}
	}
	return fmt.Errorf("is not a number in use in %s: check the digits, and that the country code comes first", country)
}

func callingCode(d string) (int, bool) {
	for n := 1; n <= 3 && n <= len(d); n++ {
		if code := atoi(d[:n]); callingCodes()[code] {
			return code, true
		}
	}
	return 0, false
}

// atoi of digits.
func atoi(d string) int {
	n := 0
	for i := range len(d) {
		n = n*10 + int(d[i]-'0')
	}
	return n
}

// CountryOf tells the country of a number in E.164, and how many digits its calling code has. Empty: unknown.
func CountryOf[A ~string](e164 A) (country string, codeDigits int) {
	n, err := Parse(string(e164))
	if err != nil {
		return "", 0
	}
	return n.Region, len(strconv.Itoa(n.CallingCode))
}
