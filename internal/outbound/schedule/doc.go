// Package schedule decides when each message may go: inside the sending window of every zone in which its recipient may live.
//
//	Does:   turns the recipients of launched campaigns into queued messages with a due time; tells the next due time of a message
//	Reads:  campaign, lane, recipient
//	Writes: message (queued, or canceled when the campaign was canceled meanwhile), dispatch, campaign.planned_through, .planning;
//	        campaign.state from scheduled to running when the launch time comes
//	Wakes:  "dispatch" after each chunk of messages, "campaign" when a campaign starts or is planned
//
// Plan and Calendar are pure: the clock is an argument, the time-zone data is part of the program. The planner is a thin shell around
// them, and so is the forecast.
package schedule
