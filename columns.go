package overture

import "strings"

// Columns says what each column of an uploaded list means (D3).
type Columns struct {
	Phone  int            // the column of the number
	Zone   int            // the person's own time zone; -1: none
	Text   int            // the person's whole message; -1: none
	Values []int          // the columns that are variables, in order: {{1}} is the first of them
	Names  map[string]int // their names, as they stand and in lower case → position among Values
}

// ColumnsOf reads a header: a column named phone, number, mobile … or else the first one is the number; zone or time zone, and message or
// text are the person's own; all others are variables by name and position. Names are compared without case, spaces, "_" and "-".
func ColumnsOf(header []string) Columns {
	c := Columns{Phone: -1, Zone: -1, Text: -1, Names: map[string]int{}}
	for i, name := range header {
		if columnRole(name) == phoneColumn {
			c.Phone = i
			break
		}
	}
	c.Phone = max(c.Phone, 0)
	for i, name := range header {
		role := columnRole(name)
		switch {
		case i == c.Phone:
		case role == zoneColumn && c.Zone < 0:
			c.Zone = i
		case role == textColumn && c.Text < 0:
			c.Text = i
		default:
			for _, n := range []string{strings.TrimSpace(name), strings.ToLower(strings.TrimSpace(name))} {
				if _, taken := c.Names[n]; !taken && n != "" {
					c.Names[n] = len(c.Values)
				}
			}
			c.Values = append(c.Values, i)
		}
	}
	return c
}

// NamesPhone tells whether a cell is the usual name of the number's column, so that its row must be a header.
func NamesPhone(cell string) bool { return columnRole(cell) == phoneColumn }

// NamesRole tells whether a name means something else than a variable: number, zone or whole message.
func NamesRole(name string) bool { return columnRole(name) != valueColumn }

type role int

const (
	valueColumn role = iota
	phoneColumn
	zoneColumn
	textColumn
)

func columnRole(name string) role {
	switch strings.NewReplacer(" ", "", "_", "", "-", "", ".", "").Replace(strings.ToLower(strings.TrimSpace(name))) {
	case "phone", "phonenumber", "phoneno", "number", "mobile", "mobilenumber", "mobileno", "mobilephone", "cell", "cellphone", "cellnumber",
		"telephone", "telephonenumber", "tel", "msisdn", "recipient", "recipientnumber", "to":
		return phoneColumn
	case "zone", "timezone", "tz":
		return zoneColumn
	case "message", "text", "messagetext", "sms":
		return textColumn
	}
	return valueColumn
}
