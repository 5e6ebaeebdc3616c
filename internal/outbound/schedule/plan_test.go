package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/overture-im/overture"
	"github.com/overture-im/overture/internal/outbound/schedule"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return v.UTC()
}

func daily(from, to int) overture.Window {
	var w overture.Window
	for d := range w.Days {
		w.Days[d] = overture.Hours{From: from, To: to}
	}
	return w
}

func only(day time.Weekday, from, to int) overture.Window {
	var w overture.Window
	w.Days[day] = overture.Hours{From: from, To: to}
	return w
}

func closedOn(w overture.Window, dates ...string) overture.Window {
	w.Holidays = dates
	return w
}

// clock turns "08:30" into minutes.
func clock(t *testing.T, s string) int {
	t.Helper()
	v, err := time.Parse("15:04", s)
	if err != nil {
		t.Fatal(err)
	}
	return v.Hour()*60 + v.Minute()
}

func TestPlan(t *testing.T) {
	hours := func(from, to string) overture.Window { return daily(clock(t, from), clock(t, to)) }
	for _, tc := range []struct {
		name     string
		now      string
		zones    string
		window   overture.Window
		launch   string
		expires  string
		due      string
		notAfter string // without the margin: when the window or the validity ends
		why      string
	}{
		{
			name: "the vendor guide: 18:00 Pacific is 21:00 Eastern, so an Eastern number goes next day at 08:00",
			now:  "2026-11-20T18:00:00-08:00", zones: "America/New_York", window: overture.DefaultWindow(),
			due: "2026-11-21T08:00:00-05:00", notAfter: "2026-11-21T21:00:00-05:00", why: "waits for 08:00 in America/New_York",
		}, {
			name: "a minute earlier it would have gone at once",
			now:  "2026-11-20T17:59:00-08:00", zones: "America/New_York", window: overture.DefaultWindow(),
			due: "2026-11-20T20:59:00-05:00", notAfter: "2026-11-20T21:00:00-05:00", why: "may go now",
		}, {
			name: "within the margin before the end it is too late",
			now:  "2026-11-20T20:59:55.001-05:00", zones: "America/New_York", window: overture.DefaultWindow(),
			due: "2026-11-21T08:00:00-05:00", notAfter: "2026-11-21T21:00:00-05:00", why: "waits for 08:00 in America/New_York",
		}, {
			name: "a launch in the future inside the window",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: overture.DefaultWindow(), launch: "2026-12-01T10:00:00Z",
			due: "2026-12-01T10:00:00Z", notAfter: "2026-12-01T21:00:00Z", why: "waits for the launch time",
		}, {
			name: "a launch in the future outside the window",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: overture.DefaultWindow(), launch: "2026-12-01T22:00:00Z",
			due: "2026-12-02T08:00:00Z", notAfter: "2026-12-02T21:00:00Z", why: "waits for 08:00 in Europe/London",
		}, {
			name: "several candidate zones: all must be open, the last to open decides",
			now:  "2026-11-20T06:00:00Z", zones: "America/New_York America/Chicago", window: overture.DefaultWindow(),
			due: "2026-11-20T08:00:00-06:00", notAfter: "2026-11-20T21:00:00-05:00", why: "waits for 08:00 in America/Chicago",
		}, {
			name: "the order of the zones does not matter",
			now:  "2026-11-20T06:00:00Z", zones: "America/Chicago America/New_York", window: overture.DefaultWindow(),
			due: "2026-11-20T08:00:00-06:00", notAfter: "2026-11-20T21:00:00-05:00", why: "waits for 08:00 in America/Chicago",
		}, {
			name: "British Columbia keeps -07 in winter since 2026",
			now:  "2026-11-20T12:00:00Z", zones: "America/Vancouver", window: overture.DefaultWindow(),
			due: "2026-11-20T15:00:00Z", notAfter: "2026-11-21T04:00:00Z", why: "waits for 08:00 in America/Vancouver",
		}, {
			name: "Morocco keeps +00 since 2026",
			now:  "2026-11-20T06:00:00Z", zones: "Africa/Casablanca", window: overture.DefaultWindow(),
			due: "2026-11-20T08:00:00Z", notAfter: "2026-11-20T21:00:00Z", why: "waits for 08:00 in Africa/Casablanca",
		}, {
			name: "half an hour: Newfoundland",
			now:  "2026-11-20T06:00:00Z", zones: "America/St_Johns", window: overture.DefaultWindow(),
			due: "2026-11-20T11:30:00Z", notAfter: "2026-11-21T00:30:00Z", why: "waits for 08:00 in America/St_Johns",
		}, {
			name: "a quarter of an hour: Nepal",
			now:  "2026-11-20T00:00:00Z", zones: "Asia/Kathmandu", window: overture.DefaultWindow(),
			due: "2026-11-20T02:15:00Z", notAfter: "2026-11-20T15:15:00Z", why: "waits for 08:00 in Asia/Kathmandu",
		}, {
			name: "Wednesday in Los Angeles while a new week of the calendar has begun in UTC",
			now:  "2026-11-19T00:30:00Z", zones: "America/Los_Angeles", window: overture.DefaultWindow(),
			due: "2026-11-19T00:30:00Z", notAfter: "2026-11-18T21:00:00-08:00", why: "may go now",
		}, {
			name: "windows in minutes",
			now:  "2026-11-20T00:00:00Z", zones: "Europe/London", window: hours("09:07", "09:08"),
			due: "2026-11-20T09:07:00Z", notAfter: "2026-11-20T09:08:00Z", why: "waits for 09:07 in Europe/London",
		}, {
			name: "a closed weekday", // 2026-11-22 is a Sunday
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: only(time.Sunday, 600, 720),
			due: "2026-11-22T10:00:00Z", notAfter: "2026-11-22T12:00:00Z", why: "waits for 10:00 in Europe/London",
		}, {
			name: "a holiday in the recipient's zone",
			now:  "2026-12-25T12:00:00Z", zones: "Europe/London", window: closedOn(overture.DefaultWindow(), "2026-12-25", "2026-12-26"),
			due: "2026-12-27T08:00:00Z", notAfter: "2026-12-27T21:00:00Z", why: "waits for 08:00 in Europe/London",
		}, {
			name: "while it is a holiday in one of two zones, it is closed",
			now:  "2026-12-25T14:30:00Z", zones: "Asia/Tokyo Europe/London", window: closedOn(overture.AlwaysOpen(), "2026-12-25"),
			due: "2026-12-26T00:00:00Z", notAfter: "", why: "waits for 00:00 in Europe/London",
		}, {
			name: "across midnight",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: hours("22:00", "06:00"),
			due: "2026-11-20T22:00:00Z", notAfter: "2026-11-21T06:00:00Z", why: "waits for 22:00 in Europe/London",
		}, {
			name: "across midnight, already open since yesterday",
			now:  "2026-11-20T03:00:00Z", zones: "Europe/London", window: hours("22:00", "06:00"),
			due: "2026-11-20T03:00:00Z", notAfter: "2026-11-20T06:00:00Z", why: "may go now",
		}, {
			name: "across midnight into a holiday: closes at midnight",
			now:  "2026-12-24T12:00:00Z", zones: "Europe/London", window: closedOn(hours("22:00", "06:00"), "2026-12-25"),
			due: "2026-12-24T22:00:00Z", notAfter: "2026-12-25T00:00:00Z", why: "waits for 22:00 in Europe/London",
		}, {
			name: "across midnight, only Friday's window opens",
			now:  "2026-11-18T00:00:00Z", zones: "Europe/London", window: only(time.Friday, 1320, 120),
			due: "2026-11-20T22:00:00Z", notAfter: "2026-11-21T02:00:00Z", why: "waits for 22:00 in Europe/London",
		}, {
			name: "spring: a start inside the skipped hour is the first instant after it",
			now:  "2027-03-14T05:00:00Z", zones: "America/New_York", window: only(time.Sunday, 150, 300), // 02:30–05:00
			due: "2027-03-14T07:00:00Z", notAfter: "2027-03-14T09:00:00Z", why: "waits for 03:00 in America/New_York",
		}, {
			name: "spring: an end inside the skipped hour is the moment of the skip",
			now:  "2027-03-14T05:00:00Z", zones: "America/New_York", window: only(time.Sunday, 0, 150), // 00:00–02:30
			due: "2027-03-14T05:00:00Z", notAfter: "2027-03-14T07:00:00Z", why: "may go now",
		}, {
			name: "spring: a window inside the skipped hour does not open that day",
			now:  "2027-03-14T05:00:00Z", zones: "America/New_York", window: only(time.Sunday, 125, 175),
			due: "2027-03-21T06:05:00Z", notAfter: "2027-03-21T06:55:00Z", why: "waits for 02:05 in America/New_York",
		}, {
			name: "autumn: a start that comes twice means the later one",
			now:  "2027-11-07T04:00:00Z", zones: "America/New_York", window: only(time.Sunday, 90, 300), // 01:30–05:00
			due: "2027-11-07T06:30:00Z", notAfter: "2027-11-07T10:00:00Z", why: "waits for 01:30 in America/New_York",
		}, {
			name: "autumn: an end that comes twice means the earlier one",
			now:  "2027-11-07T04:00:00Z", zones: "America/New_York", window: only(time.Sunday, 0, 90), // 00:00–01:30
			due: "2027-11-07T04:00:00Z", notAfter: "2027-11-07T05:30:00Z", why: "may go now",
		}, {
			name: "half an hour of summer time: Lord Howe skips 02:00 to 02:30",
			now:  "2027-10-02T12:00:00Z", zones: "Australia/Lord_Howe", window: only(time.Sunday, 135, 300), // 02:15–05:00
			due: "2027-10-02T15:30:00Z", notAfter: "2027-10-02T18:00:00Z", why: "waits for 02:30 in Australia/Lord_Howe",
		}, {
			name: "the validity ends before the window does",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: overture.DefaultWindow(), expires: "2026-11-20T13:00:00Z",
			due: "2026-11-20T12:00:00Z", notAfter: "2026-11-20T13:00:00Z", why: "may go now",
		}, {
			name: "the validity ends before the window opens",
			now:  "2026-11-20T22:00:00Z", zones: "Europe/London", window: overture.DefaultWindow(), expires: "2026-11-21T08:00:00Z",
			why: "the campaign's validity ends before the message may go: it waits for 08:00 in Europe/London",
		}, {
			name: "the validity is over",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: overture.DefaultWindow(), expires: "2026-11-20T11:00:00Z",
			why: "the campaign's validity is over",
		}, {
			name: "never open",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: overture.Window{},
			why: "no moment of the next 14 days is inside the sending window in Europe/London",
		}, {
			name: "never open in both at once",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London Pacific/Auckland", window: hours("09:00", "17:00"),
			why: "no moment of the next 14 days is inside the sending window in all zones the recipient may live in: Europe/London, Pacific/Auckland",
		}, {
			name: "hours outside the day are closed, not open",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London", window: daily(-60, 1500),
			why: "no moment of the next 14 days",
		}, {
			name: "unknown zone: no moment is 08:00 to 21:00 everywhere, so never",
			now:  "2026-11-20T12:00:00Z", window: overture.DefaultWindow(),
			why: "every time zone of the earth, and the recipient's zone is unknown: give the list a time zone column",
		}, {
			name: "a zone that nobody knows is an unknown zone",
			now:  "2026-11-20T12:00:00Z", zones: "Europe/London Mars/Olympus", window: overture.DefaultWindow(),
			why: "the recipient's zone is unknown",
		}, {
			name: "unknown zone and no limits",
			now:  "2026-11-20T12:00:00Z", window: overture.AlwaysOpen(), due: "2026-11-20T12:00:00Z", why: "may go now",
		}, {
			name: "unknown zone waits until the holiday is over everywhere", // UTC-12 is the last
			now:  "2026-12-25T00:00:00Z", window: closedOn(overture.AlwaysOpen(), "2026-12-25"),
			due: "2026-12-26T12:00:00Z", why: "waits for 00:00 in every time zone, because the recipient's is unknown",
		}, {
			name: "no limits means no gap in the night when the clock goes back at midnight",
			now:  "2027-11-07T04:30:00Z", zones: "America/Havana", window: overture.AlwaysOpen(),
			due: "2027-11-07T04:30:00Z", why: "may go now",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := schedule.Input{Zones: strings.Fields(tc.zones), Window: tc.window}
			if tc.launch != "" {
				in.LaunchAt = at(t, tc.launch)
			}
			if tc.expires != "" {
				in.ExpiresAt = at(t, tc.expires)
			}
			got := schedule.Plan(at(t, tc.now), in)
			if !strings.Contains(got.Why, tc.why) {
				t.Errorf("why: %q, want %q", got.Why, tc.why)
			}
			if tc.due == "" {
				if !got.Expired || !got.Due.IsZero() || !got.NotAfter.IsZero() {
					t.Errorf("got %+v, want no slot", got)
				}
				return
			}
			if due := at(t, tc.due); got.Expired || !got.Due.Equal(due) {
				t.Errorf("due %v (expired %t), want %v", got.Due, got.Expired, due)
			}
			if tc.notAfter != "" && !got.NotAfter.Add(schedule.SendMargin).Equal(at(t, tc.notAfter)) {
				t.Errorf("not after %v, want 5 s before %v", got.NotAfter, at(t, tc.notAfter))
			}
		})
	}
}

func TestDueIsNeverBeforeAFractionOfAMillisecond(t *testing.T) {
	now := at(t, "2026-11-20T12:00:00.000000001Z")
	if s := schedule.Plan(now, schedule.Input{Zones: []string{"UTC"}, Window: overture.AlwaysOpen()}); s.Due.Before(now) {
		t.Errorf("due %v is before %v", s.Due, now)
	}
}
