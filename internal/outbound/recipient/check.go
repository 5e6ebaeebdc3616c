package recipient

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/kit/csvrow"
	"github.com/overture-im/overture/internal/kit/phone"
	"github.com/overture-im/overture/internal/kit/segment"
)

// longestText is what a provider takes as one SMS (Twilio: error 21617 above 1,600 characters).
const longestText = 1600

// checker turns rows into recipients or problems. It is pure but for a cache, and not safe for concurrent use.
type checker struct {
	target    overture.ListTarget
	header    []string
	columns   overture.Columns
	width     int      // columns a row may have
	variables []string // that the text needs
	typed     bool
	ours      bool // a download of ours with an error column: cells are guarded
	phone     func(string) (string, []string, error)
	zone      func(string) bool
	zones     map[string][]string // seen zone columns; nil value: unknown zone
}

func (r *Room) checker(t overture.ListTarget, source string, header []string) *checker {
	c := &checker{
		target: t, header: header, variables: t.Content.Variables(), typed: source == "typed",
		phone: r.ParsePhone, zone: r.ZoneKnown, zones: map[string][]string{},
	}
	switch {
	case len(header) > 0:
		c.columns = overture.ColumnsOf(header)
		c.width = len(header)
		c.ours = strings.EqualFold(strings.TrimSpace(header[len(header)-1]), "error")
	case len(c.variables) > 0:
		c.columns = overture.Columns{Zone: -1, Text: -1}
		for _, v := range c.variables {
			n, _ := strconv.Atoi(v) // named ones cannot be filled without a header
			for len(c.columns.Values) < n && n < csvrow.DefaultMaxColumns {
				c.columns.Values = append(c.columns.Values, len(c.columns.Values)+1)
			}
		}
		c.width = 1 + len(c.columns.Values)
	default:
		c.columns = overture.Columns{Zone: -1, Text: 1}
		c.width = 2
	}
	return c
}

// impliedHeader names the columns of a list without a header after the text's variables, where all of them have names: {{name}} {{amount}}
// are filled in the order in which the text mentions them.
func impliedHeader(c overture.Content) []string {
	header := []string{"phone"}
	for _, v := range c.Variables() {
		if _, err := strconv.Atoi(v); err == nil || overture.NamesRole(v) {
			return nil
		}
		header = append(header, v)
	}
	if len(header) == 1 {
		return nil
	}
	return header
}

// row checks one row. The values of the recipient lie in the arena, which the caller empties with the chunk.
func (c *checker) row(fields []string, line int, raw string, arena *[]string) (rec overture.Recipient, p *overture.Problem) {
	problem := func(column, code, reason string) *overture.Problem {
		return &overture.Problem{Row: line, Column: column, Code: code, Reason: printable(reason), Raw: printable(raw)}
	}
	if bad := badRune(raw); bad >= 0 {
		return rec, problem(c.columnOf(fields), overture.ProblemBadText, fmt.Sprintf("the row has a character that is no text (U+%04X); take it out, or save the file as UTF-8", bad))
	}
	for i := c.width; i < len(fields); i++ {
		if strings.TrimSpace(fields[i]) != "" {
			return rec, problem(strconv.Itoa(c.width+1), overture.ProblemTooManyColumns,
				fmt.Sprintf("the row has %d columns and the list has %d; put text with a comma in quotation marks, or drop the extra columns", len(fields), c.width))
		}
	}
	rec.Row = line
	e164, zones, err := c.phone(c.cell(fields, c.columns.Phone, true))
	if err != nil {
		code := overture.ProblemInvalidNumber
		if phone.IsNational(err) {
			code = overture.ProblemNoCountryCode
		}
		return rec, problem(c.name(c.columns.Phone), code, err.Error())
	}
	rec.Address, rec.Zones, rec.ZoneSource = overture.Address(e164), zones, "number"
	if _, ok := pack(rec.Address); !ok {
		return rec, problem(c.name(c.columns.Phone), overture.ProblemInvalidNumber, "the number must have at most 15 digits, country code first")
	}
	if zone := c.cell(fields, c.columns.Zone, false); zone != "" {
		if rec.Zones = c.known(zone); rec.Zones == nil {
			return rec, problem(c.name(c.columns.Zone), overture.ProblemUnknownZone,
				fmt.Sprintf("%q is no time zone; write its IANA name such as America/New_York, or leave the cell empty", clip(zone)))
		}
		rec.ZoneSource = "column"
	} else if len(zones) == 0 {
		rec.ZoneSource = "unknown"
	}
	rec.Personal.Text = c.cell(fields, c.columns.Text, false)
	from := len(*arena)
	for _, i := range c.columns.Values {
		*arena = append(*arena, c.cell(fields, i, false))
	}
	rec.Personal.Values = (*arena)[from:len(*arena):len(*arena)]
	rec.Personal.Names = c.columns.Names
	var what *overture.Problem
	if rec.Segments, what = c.render(rec.Personal); what != nil {
		return rec, problem(what.Column, what.Code, what.Reason)
	}
	return rec, nil
}

// render measures the final text of a person, or tells why there is none.
func (c *checker) render(p overture.Personal) (segments int, problem *overture.Problem) {
	if p.Text == "" {
		if strings.TrimSpace(c.target.Content.Text) == "" {
			return 0, &overture.Problem{Column: c.name(c.columns.Text), Code: overture.ProblemEmptyText, Reason: "there is no text for this person; write the campaign's text, or this person's own message beside the number"}
		}
		for _, v := range c.variables {
			value, ok := p.Value(v)
			if !ok || strings.TrimSpace(value) == "" {
				return 0, &overture.Problem{Column: c.variableColumn(v), Code: overture.ProblemMissingVariable, Reason: "the text needs {{" + v + "}} and this row has no value for it"}
			}
		}
	}
	text, err := c.target.Content.For(p)
	if err != nil {
		return 0, &overture.Problem{Code: overture.ProblemMissingVariable, Reason: err.Error()}
	}
	if c.target.Content.SmartEncoding {
		text = segment.Smart(text)
	}
	m := segment.Measure(text)
	tooLong := func(reason string) (int, *overture.Problem) {
		return m.Segments, &overture.Problem{Column: c.name(c.columns.Text), Code: overture.ProblemTooLong, Reason: reason}
	}
	if m.Units > c.target.SMSLimit && c.target.LengthPolicy == overture.LengthStrict || m.Units > longestText {
		characters := utf8.RuneCountInString(text)
		switch {
		case characters > longestText:
			return tooLong(fmt.Sprintf("the final text has %d characters and an SMS takes at most %d; shorten it", characters, longestText))
		case characters > c.target.SMSLimit && c.target.LengthPolicy == overture.LengthStrict:
			return tooLong(fmt.Sprintf("the final text has %d characters and this account allows %d with the opt-out text; shorten it", characters, c.target.SMSLimit))
		}
	}
	if m.Segments > 1 && c.target.LengthPolicy == overture.LengthOneSegment {
		return tooLong(fmt.Sprintf("the final text needs %d segments and this account allows one; shorten it", m.Segments))
	}
	return m.Segments, nil
}

// cell gives a trimmed cell; a column that the row or the list lacks is empty.
func (c *checker) cell(fields []string, i int, phone bool) string {
	if i < 0 || i >= len(fields) {
		return ""
	}
	cell := strings.TrimSpace(fields[i])
	if phone {
		return strings.TrimPrefix(cell, "'") // spreadsheets mark text with it
	}
	if c.ours {
		return csvrow.Unguard(cell)
	}
	return cell
}

// known gives the zone as the candidate set, nil when our data does not have it.
func (c *checker) known(zone string) []string {
	set, seen := c.zones[zone]
	if !seen {
		if c.zone(zone) {
			set = []string{zone}
		}
		if len(c.zones) < 2000 { // more names than there are zones: somebody sends nonsense
			c.zones[zone] = set
		}
	}
	return set
}

// name of a column as people see it.
func (c *checker) name(i int) string {
	switch {
	case i >= 0 && i < len(c.header) && strings.TrimSpace(c.header[i]) != "":
		return c.header[i]
	case i == c.columns.Phone:
		return "phone"
	case i < 0 || i == c.columns.Text:
		return "message"
	}
	return strconv.Itoa(i + 1)
}

func (c *checker) variableColumn(v string) string {
	if _, named := c.columns.Names[v]; named {
		return v
	}
	if n, err := strconv.Atoi(v); err == nil && n >= 1 && n <= len(c.columns.Values) {
		return c.name(c.columns.Values[n-1])
	}
	return v
}

// columnOf names the first field with a character that is no text.
func (c *checker) columnOf(fields []string) string {
	for i, f := range fields {
		if badRune(f) >= 0 {
			return c.name(i)
		}
	}
	return ""
}

// badRune gives the first control character or undecodable byte, -1 when there is none. Line ends and tabs are text.
func badRune(s string) rune {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7F {
			return rune(c)
		} else if c >= utf8.RuneSelf {
			for _, r := range s[i:] {
				if r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7F && r < 0xA0 {
					return r
				}
			}
			return -1
		}
	}
	return -1
}

// raw writes a recipient as a row of its list again, for repair.
func (c *checker) raw(rec *overture.Recipient, delimiter byte) string {
	fields := make([]string, c.width)
	put := func(i int, value string) {
		if i >= 0 && i < len(fields) {
			fields[i] = value
		}
	}
	put(c.columns.Phone, string(rec.Address))
	if rec.ZoneSource == "column" && len(rec.Zones) > 0 {
		put(c.columns.Zone, rec.Zones[0])
	}
	put(c.columns.Text, rec.Personal.Text)
	for i, at := range c.columns.Values {
		if i < len(rec.Personal.Values) {
			put(at, rec.Personal.Values[i])
		}
	}
	return c.join(fields, delimiter)
}

// join writes fields as one row.
func (c *checker) join(fields []string, delimiter byte) string {
	if c.typed {
		return strings.TrimRight(strings.Join(fields, ", "), ", ")
	}
	var b []byte
	for i, f := range fields {
		if i > 0 {
			b = append(b, delimiter)
		}
		b = csvrow.AppendCell(b, f, delimiter)
	}
	return string(b)
}

func delimiterOf(im overture.Import) byte {
	if im.Delimiter == "" {
		return ','
	}
	return im.Delimiter[0]
}

func clip(s string) string {
	if utf8.RuneCountInString(s) <= 40 {
		return s
	}
	return string([]rune(s)[:40]) + "…"
}
