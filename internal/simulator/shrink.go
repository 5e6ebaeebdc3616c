package simulator

import (
	"slices"
	"time"
)

// Shrink makes a failing scenario small: it takes events, messages, campaigns and nodes away, by halves and one by one, as long as what is
// left still breaks the same rule. It ends after at most limit of real time.
func Shrink(sc Scenario, rule string, limit time.Duration) Scenario {
	until := time.Now().Add(limit)
	fails := func(x Scenario) bool {
		if time.Now().After(until) || x.check() != nil {
			return false
		}
		out := Run(x, nil)
		return len(out.Broken) > 0 && out.Broken[0].Rule == rule
	}
	for before := -1; before != sc.size() && time.Now().Before(until); {
		before = sc.size()
		sc = fewerEvents(sc, fails)
		sc = fewerMessages(sc, fails)
		sc = fewerCampaigns(sc, fails)
		sc = fewerNodes(sc, fails)
		sc = plainer(sc, fails)
	}
	return sc
}

func (sc Scenario) size() int {
	n := len(sc.Events) + sc.Nodes + len(sc.Campaigns)
	for _, c := range sc.Campaigns {
		n += c.Messages
	}
	return n
}

// fewerEvents leaves out runs of events, shorter and shorter ones.
func fewerEvents(sc Scenario, fails func(Scenario) bool) Scenario {
	for size := max(len(sc.Events)/2, 1); size >= 1; size /= 2 {
		for at := 0; at < len(sc.Events); {
			x := sc
			x.Events = slices.Delete(slices.Clone(sc.Events), at, min(at+size, len(sc.Events)))
			if fails(x) {
				sc = x
			} else {
				at += size
			}
		}
	}
	return sc
}

func fewerMessages(sc Scenario, fails func(Scenario) bool) Scenario {
	for i := range sc.Campaigns {
		for size := sc.Campaigns[i].Messages / 2; size >= 1; {
			x := sc
			x.Campaigns = slices.Clone(sc.Campaigns)
			x.Campaigns[i].Messages -= size
			if x.Campaigns[i].Messages >= 1 && fails(x) {
				sc = x
			} else {
				size /= 2
			}
		}
	}
	return sc
}

// fewerCampaigns leaves out the last campaign, if nothing is said about it.
func fewerCampaigns(sc Scenario, fails func(Scenario) bool) Scenario {
	for len(sc.Campaigns) > 1 {
		x := sc
		x.Campaigns = sc.Campaigns[:len(sc.Campaigns)-1]
		x.Events = slices.DeleteFunc(slices.Clone(sc.Events), func(e Event) bool { return e.Campaign >= len(x.Campaigns) })
		if !fails(x) {
			break
		}
		sc = x
	}
	return sc
}

func fewerNodes(sc Scenario, fails func(Scenario) bool) Scenario {
	for sc.Nodes > 1 {
		x := sc
		x.Nodes--
		if !fails(x) {
			break
		}
		sc = x
	}
	return sc
}

// plainer leaves out what campaigns and clocks have that is special.
func plainer(sc Scenario, fails func(Scenario) bool) Scenario {
	try := func(change func(*Scenario)) {
		x := sc
		x.Campaigns, x.Skew = slices.Clone(sc.Campaigns), slices.Clone(sc.Skew)
		change(&x)
		if fails(x) {
			sc = x
		}
	}
	try(func(x *Scenario) { clear(x.Skew) })
	for i := range sc.Campaigns {
		try(func(x *Scenario) { x.Campaigns[i].Window, x.Campaigns[i].Zones = "", "" })
		try(func(x *Scenario) { x.Campaigns[i].Talk = "" })
		try(func(x *Scenario) { x.Campaigns[i].Rate, x.Campaigns[i].LaunchIn = 0, 0 })
		try(func(x *Scenario) { x.Campaigns[i].Segments = 1 })
	}
	return sc
}
