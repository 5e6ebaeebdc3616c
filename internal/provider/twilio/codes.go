package twilio

import (
	"time"

	"github.com/overture-im/overture"
)

// class is what an error code means, whether it comes as the answer to a create request or in a status callback.
type class string

const (
	permanentAddress class = "permanent_address"
	permanentPair    class = "permanent_pair"
	permanentMessage class = "permanent_message"
	template         class = "template"
	config           class = "config"
	optOut           class = "opt_out"
	optOutMarketing  class = "opt_out_marketing"
	optOutSuspected  class = "opt_out_suspected"
	notOnChannel     class = "not_on_channel"
	windowClosed     class = "window_closed"
	policyDeferral   class = "policy_deferral"
	rateLimited      class = "rate_limited"
	transient        class = "transient"
	ambiguous        class = "ambiguous"
	expired          class = "expired"
	info             class = "info"
	ourSide          class = "our_side"
)

// verdict is how a create request ended that was answered with a 4xx and the code (R5).
type verdict struct {
	class   overture.SendClass
	refusal overture.Refusal
}

var (
	toAddress = verdict{overture.Refused, overture.RefusedAddress}
	toContent = verdict{overture.Refused, overture.RefusedContent}
	toPolicy  = verdict{overture.Refused, overture.RefusedPolicy}
	toSender  = verdict{overture.Refused, overture.RefusedSender}
	toOptOut  = verdict{overture.Refused, overture.RefusedOptOut}
	toChannel = verdict{overture.Refused, overture.RefusedChannel}
	throttled = verdict{class: overture.Throttled}
	unknown   = verdict{class: overture.SendUnknown}
)

// verdicts gives each class its verdict and the reason; a code may have its own.
var verdicts = map[class]struct {
	verdict
	why string
}{
	permanentAddress: {toAddress, "the number cannot receive this, now or later"},
	permanentPair:    {toAddress, "this sender cannot reach this number; another might, so it is about the pair and not the text"},
	permanentMessage: {toContent, "the same request would be refused again"},
	template:         {toContent, "the template is not usable: another text would be"},
	config:           {toSender, "no message of this sender can go until somebody repairs it: it is stopped instead of failing the whole list"},
	optOut:           {toOptOut, "the provider knows that the person stopped"},
	optOutMarketing:  {toOptOut, "the person stopped marketing on this channel, which is what campaigns are"},
	optOutSuspected:  {toAddress, "a block list, a landline or an earlier stop: recording a stop that nobody said would be false evidence"},
	notOnChannel:     {toChannel, "definitely not on this channel: the next leg may start (R8)"},
	windowClosed:     {toPolicy, "not at this time or not this kind of message"},
	policyDeferral:   {toPolicy, "the channel withheld it on purpose; repeating is what it punishes"},
	rateLimited:      {throttled, "the request was turned away before it was queued, so it may be repeated later"},
	transient:        {unknown, "documented for status callbacks only: as an answer to create it is not proof that nothing was queued"},
	ambiguous:        {unknown, "the provider itself does not say what happened"},
	expired:          {unknown, "happens to queued messages: as an answer to create it contradicts itself"},
	info:             {unknown, "no failure, so no proof of a refusal"},
	ourSide:          {unknown, "about our webhook, not about the message"},
}

// code is one row of the table of known error codes.
type code struct {
	class   class
	meaning string        // for operators; never holds addresses or text, as the provider's own messages do
	verdict verdict       // instead of the class's when set
	why     string        // the reason for an own verdict
	wait    time.Duration // before the sender tries again when the provider names no time; zero: the engine's own backoff
}

// known are the codes of the provider's documentation that matter to messages. A code that is not here is never taken for a definite
// refusal: the provider may change them and says so.
var known = map[int]code{
	11200: {class: ourSide, meaning: "our webhook failed (non-2xx, timeout, TLS)"},
	20003: {class: config, meaning: "credentials rejected"},
	20404: {class: config, meaning: "resource/SID not found"},
	20429: {class: rateLimited, meaning: "too many concurrent API requests"},
	20500: {class: ambiguous, meaning: "Twilio internal error"},
	20503: {class: ambiguous, meaning: "service unavailable"},
	21211: {class: permanentAddress, meaning: "invalid To number"},
	21212: {class: config, meaning: "invalid From"},
	21401: {class: permanentAddress, meaning: "invalid phone number"},
	21408: {class: config, meaning: "destination country not enabled (geo permissions)", verdict: toPolicy, why: "one destination is not enabled: the sender serves the others"},
	21602: {class: permanentMessage, meaning: "body missing"},
	21603: {class: config, meaning: "From / MessagingServiceSid missing"},
	21606: {class: config, meaning: "From not a usable sender for this account/destination"},
	21608: {class: config, meaning: "trial account, To not verified", verdict: toPolicy, why: "a trial account reaches verified numbers only: the sender serves those"},
	21609: {class: config, meaning: "StatusCallback URL invalid"},
	21610: {class: optOut, meaning: "recipient opted out (STOP list of sender/service; also Compliance Toolkit opt-out or reassigned number)"},
	21611: {class: rateLimited, meaning: "From number queue full (>10 h of traffic)", wait: 5 * time.Minute},
	21612: {class: permanentPair, meaning: "To/From combination not routable"},
	21614: {class: permanentAddress, meaning: "To is not a mobile (landline)"},
	21617: {class: permanentMessage, meaning: "body over 1600 characters"},
	21619: {class: permanentMessage, meaning: "no body, media or ContentSid"},
	21620: {class: permanentMessage, meaning: "media URL invalid"},
	21621: {class: config, meaning: "From not MMS enabled"},
	21624: {class: permanentMessage, meaning: "bad ValidityPeriod"},
	21654: {class: permanentMessage, meaning: "ContentSid required"},
	21655: {class: permanentMessage, meaning: "ContentSid invalid"},
	21656: {class: permanentMessage, meaning: "ContentVariables invalid (e.g. newline, bad JSON)"},
	21658: {class: permanentMessage, meaning: "a parameter is over its character limit"},
	21701: {class: config, meaning: "messaging service does not exist"},
	21703: {class: config, meaning: "service has no usable sender"},
	21704: {class: config, meaning: "service sender pool empty"},
	21910: {class: permanentMessage, meaning: "From and To on different channels"},
	30001: {class: rateLimited, meaning: "queue overflow (messaging service equivalent of 21611)", wait: 5 * time.Minute},
	30002: {class: config, meaning: "account suspended"},
	30003: {class: transient, meaning: "handset unreachable (off, no coverage; sometimes repeated-failure filtering)"},
	30004: {class: optOutSuspected, meaning: "message blocked (block list, earlier opt-out, landline, internal filter)"},
	30005: {class: permanentAddress, meaning: "unknown / inactive handset (can appear when device is off)"},
	30006: {class: permanentAddress, meaning: "landline or unreachable carrier"},
	30007: {class: permanentMessage, meaning: "filtered by carrier or Twilio (content/reputation)"},
	30008: {class: ambiguous, meaning: "unknown downstream error"},
	30010: {class: permanentMessage, meaning: "over MaxPrice (obsolete since 2024-06-03)"},
	30011: {class: permanentMessage, meaning: "MMS unsupported for recipient"},
	30017: {class: transient, meaning: "carrier congestion"},
	30019: {class: permanentMessage, meaning: "content exceeds carrier size"},
	30022: {class: rateLimited, meaning: "10DLC rate exceeded (campaign or too many to one recipient)"},
	30023: {class: rateLimited, meaning: "T-Mobile brand daily cap", wait: time.Hour},
	30024: {class: config, meaning: "numeric sender not yet provisioned at carrier"},
	30032: {class: config, meaning: "toll-free number unverified"},
	30033: {class: config, meaning: "10DLC campaign suspended"},
	30034: {class: config, meaning: "10DLC number not registered"},
	30035: {class: transient, meaning: "10DLC number still being configured"},
	30036: {class: expired, meaning: "validity period expired in queue"},
	30037: {class: config, meaning: "outbound messaging disabled"},
	30039: {class: info, meaning: "inbound dropped to stop auto-reply loop"},
	30042: {class: config, meaning: "sender ID blocked / generic"},
	30046: {class: ambiguous, meaning: "delivery not confirmed"},
	30410: {class: ambiguous, meaning: "downstream provider timeout; Twilio does not retry so as not to duplicate"},
	30450: {class: transient, meaning: "SMS-pumping protection block (typically 15-30 min per prefix)"},
	30453: {class: transient, meaning: "fraud model block"},
	30454: {class: rateLimited, meaning: "per-destination account limit", wait: time.Minute},
	30500: {class: transient, meaning: "Twilio internal failure"},
	30610: {class: windowClosed, meaning: "Compliance Toolkit quiet hours (block mode)"},
	30640: {class: optOut, meaning: "Compliance Toolkit known litigator"},
	35111: {class: permanentMessage, meaning: "SendAt missing"},
	35114: {class: permanentMessage, meaning: "SendAt out of allowed range"},
	35118: {class: config, meaning: "scheduling without MessagingServiceSid"},
	63001: {class: config, meaning: "channel authentication failed"},
	63002: {class: config, meaning: "channel From not found"},
	63003: {class: notOnChannel, meaning: "channel could not find To"},
	63005: {class: permanentMessage, meaning: "channel refused the content"},
	63006: {class: permanentMessage, meaning: "could not format content for channel"},
	63007: {class: config, meaning: "no channel for that From"},
	63008: {class: config, meaning: "channel misconfigured"},
	63009: {class: transient, meaning: "channel provider 5xx"},
	63010: {class: transient, meaning: "Twilio channel internal error"},
	63011: {class: permanentMessage, meaning: "invalid channel request"},
	63012: {class: transient, meaning: "channel provider internal error"},
	63013: {class: config, meaning: "violates channel policy", verdict: toPolicy, why: "the channel refuses what is said, not who says it"},
	63014: {class: optOut, meaning: "blocked by a user action (user blocked the sender / withdrew consent)"},
	63015: {class: config, meaning: "recipient has not joined sandbox", verdict: toPolicy, why: "this person has not joined the sandbox; others have"},
	63016: {class: windowClosed, meaning: "outside 24 h window, or content type that cannot open a conversation"},
	63017: {class: rateLimited, meaning: "account over 2000 msg/s across subaccounts", wait: time.Second},
	63018: {class: rateLimited, meaning: "channel rate or WhatsApp messaging limit reached", wait: time.Minute},
	63019: {class: permanentMessage, meaning: "media download failed"},
	63020: {class: config, meaning: "Meta business invitation not accepted"},
	63021: {class: permanentMessage, meaning: "channel content invalid"},
	63022: {class: config, meaning: "vname certificate invalid"},
	63023: {class: ambiguous, meaning: "channel generic error"},
	63024: {class: notOnChannel, meaning: "invalid message recipient (not a WhatsApp user, terms not accepted, old client)"},
	63027: {class: template, meaning: "template missing for that language"},
	63028: {class: permanentMessage, meaning: "template parameter count mismatch"},
	63029: {class: transient, meaning: "recipient failed to download template"},
	63030: {class: permanentMessage, meaning: "parameter unsupported on channel"},
	63031: {class: permanentMessage, meaning: "From equals To", verdict: toAddress, why: "the recipient is the sender's own number"},
	63032: {class: policyDeferral, meaning: "withheld: WhatsApp marketing experiment (~1% of users)"},
	63033: {class: optOutMarketing, meaning: "recipient opted out of this business marketing on WhatsApp"},
	63034: {class: permanentMessage, meaning: "media too large"},
	63036: {class: notOnChannel, meaning: "RCS unreachable"},
	63038: {class: rateLimited, meaning: "account daily message limit", wait: time.Hour},
	63040: {class: template, meaning: "template rejected"},
	63041: {class: template, meaning: "template paused"},
	63042: {class: template, meaning: "template disabled"},
	63046: {class: info, meaning: "template approved"},
	63049: {class: policyDeferral, meaning: "Meta chose not to deliver this marketing template (per-user cap, or US +1 number since 2025-04-01)"},
	63051: {class: config, meaning: "WhatsApp sender or account locked"},
	63112: {class: config, meaning: "Meta disabled the business/WABA behind the sender"},
}

// verdictOf tells how a 4xx with this code is to be understood; false when the code is not known.
func verdictOf(n int) (verdict, code, bool) {
	c, ok := known[n]
	if !ok {
		return unknown, c, false
	}
	if c.verdict != (verdict{}) {
		return c.verdict, c, true
	}
	return verdicts[c.class].verdict, c, true
}

// saysOptOut tells whether a code proves that the person stopped the brand on this channel (J1).
func saysOptOut(n int) bool {
	c := known[n].class
	return c == optOut || c == optOutMarketing
}
