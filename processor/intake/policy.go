package intake

import (
	"strings"

	"holdfast/topology/record"
)

// policy brings a stock.policy, who may sell how much of a SKU, into its normal
// form.
func (s *Stage) policy(in *record.StockInput, p *record.Policy) *record.Refusal {
	*p = record.Policy{
		Channel: in.Channel, Until: in.Until,
		Safety: in.Safety.Setting(), Buffer: in.Buffer.Setting(), Cap: in.Cap.Setting(), Quota: in.Quota.Setting(),
	}
	refusal := first(
		checkSetting("safety", in.Safety), checkSetting("buffer", in.Buffer), checkSetting("cap", in.Cap), checkSetting("quota", in.Quota),
		checkTime("until", in.Until), checkTogether(in),
	)
	if refusal != nil || in.Channel == "" {
		return refusal
	}
	channel, shop, hasShop := strings.Cut(in.Channel, "/")
	if refusal = checkChannel("channel", channel); refusal == nil && hasShop {
		refusal = checkShop("channel: shop", shop)
	}
	if refusal == nil && !s.channels[channel] {
		refusal = refuse(record.RefuseChannelUnknown, "channel: %s isn't configured", channel)
	}
	return refusal
}

func checkSetting(what string, v record.SettingInput) *record.Refusal {
	if v.Value < 0 || v.Value > record.OnHandMax {
		return refuse(record.RefuseBadPolicy, "%s: %d, must be 0 to %d, or null", what, v.Value, int64(record.OnHandMax))
	}
	return nil
}

// checkTogether checks which fields of a policy need, or exclude, each other.
func checkTogether(in *record.StockInput) *record.Refusal {
	bad := func(format string, args ...any) *record.Refusal {
		return refuse(record.RefuseBadPolicy, format, args...)
	}
	safety, quota := in.Safety.Present, in.Quota.Present
	switch {
	case !safety && !quota && !in.Buffer.Present && !in.Cap.Present:
		return bad("safety, buffer, cap, quota: none of them is given, there is nothing to change")
	case safety && in.Warehouse == "":
		return bad("safety: is of a warehouse, and warehouse is missing")
	case safety && in.Channel != "":
		return bad("safety: hides units from all channels, and channel is %.100q", in.Channel)
	case in.Cap.Present && in.Channel == "":
		return bad("cap: is of a channel, and channel is missing")
	case quota && in.Channel == "":
		return bad("quota: is of a channel, and channel is missing")
	case quota && strings.Contains(in.Channel, "/"):
		return bad("quota: is of a whole channel, and channel is the shop %.100q", in.Channel)
	case quota && !in.Quota.Null && in.Until == 0:
		return bad("quota: needs its end, and until is missing")
	case !quota && in.Until != 0:
		return bad("until: is the end of a quota, and quota is missing")
	}
	return nil
}
