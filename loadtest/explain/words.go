package explain

import (
	"fmt"
	"strings"

	"holdfast/topology/record"
)

var (
	stateNames = map[record.ChannelState]string{record.StateRecorded: "recorded", record.StateUnpaid: "unpaid", record.StatePaid: "paid",
		record.StateCancelled: "cancelled", record.StateShipped: "shipped", record.StateCompleted: "completed"}
	paymentNames = map[record.Payment]string{record.PaymentUnpaid: "unpaid", record.PaymentPrepaid: "prepaid", record.PaymentCOD: "cod"}
	allowNames   = map[record.Allow]string{record.AllowAll: "all", record.AllowPartial: "partial", record.AllowBackorder: "backorder"}
)

// nameOf returns "" for a value without a name that means nothing was said.
func nameOf[K ~uint8](k K, names map[K]string) string {
	if name, ok := names[k]; ok || k == 0 {
		return name
	}
	return fmt.Sprintf("unknown (%d)", k)
}

// channelWords says who sends a channel's orders, as people call them.
func channelWords(channel string) string {
	switch channel {
	case "shopee":
		return "Shopee"
	case "lazada":
		return "Lazada"
	case "tiktok":
		return "TikTok Shop"
	case "facebook":
		return "Facebook"
	case "shopify":
		return "the Shopify shop"
	case "pos":
		return "the till"
	case "web":
		return "the website"
	case "callcentre":
		return "the call centre"
	case "mobile":
		return "the app"
	}
	return channel
}

// paymentWords says how an order is paid.
func paymentWords(payment string) string {
	switch payment {
	case "unpaid":
		return "not paid yet"
	case "prepaid":
		return "paid"
	case "cod":
		return "to be paid on delivery"
	}
	return payment
}

// statusWords finishes the sentence "The order …".
func statusWords(status string) string {
	switch status {
	case "held":
		return "waits for its payment"
	case "allocated":
		return "is confirmed, and waits to be picked"
	case "picking":
		return "is being picked"
	case "packed":
		return "is packed"
	case "shipped":
		return "is on its way"
	case "delivered":
		return "was delivered"
	case "completed":
		return "is complete"
	case "returned":
		return "came back"
	case "cancelled":
		return "was cancelled"
	case "rejected":
		return "couldn't be taken"
	case "short":
		return "stands, but there is no stock for it"
	case "backordered":
		return "waits for new stock"
	case "partly_short":
		return "stands, but a part of it isn't to be had now"
	case statusUndecided:
		return "isn't decided yet"
	}
	return "is " + plain(status)
}

// lineWords says where units stand.
func lineWords(state string) string {
	switch state {
	case record.LineHeld:
		return "set aside"
	case record.LineAllocated:
		return "reserved"
	case record.LineShort:
		return "not to be had now"
	case record.LineBackordered:
		return "waiting for new stock"
	case record.LineReleased:
		return "back on sale"
	case record.LineShipped:
		return "sent"
	}
	return plain(state)
}

// reasonWords finishes the sentence "…, because …".
func reasonWords(reason string) string {
	switch reason {
	case record.ReasonOutOfStock:
		return "there is no stock left"
	case record.ReasonUnknownSKU:
		return "there is no article of that number"
	case record.ReasonQuota:
		return "what is left is kept for other channels"
	case "expired":
		return "it wasn't paid in time"
	case "expired_before_payment":
		return "the payment came too late, and it was sold meanwhile"
	case "undecided":
		return "it couldn't be decided in time"
	case "order_exists":
		return "the order is known already, with other content"
	case record.ReasonEventIDConflict:
		return "a message with the same number came before, with other content"
	case "already_shipped":
		return "it had been sent already"
	case "not_allocated":
		return "it isn't reserved"
	case "not_shipped":
		return "it hasn't been sent"
	case "line_unknown":
		return "the order has no such line"
	case "order_cancelled":
		return "the order was cancelled before"
	case "order_rejected":
		return "the order couldn't be taken"
	case "shipped_after_cancel":
		return "it was sent although it had been cancelled"
	case "shipped_unallocated":
		return "it was sent although it wasn't reserved"
	case "not_supported", "amend_not_supported", "partial_cancel_not_supported":
		return "that can't be done yet"
	}
	return plain(reason)
}

// plain is a word of the vocabulary as people read it.
func plain(word string) string { return strings.ReplaceAll(word, "_", " ") }

// enumerate joins as in speech: a, b and c.
func enumerate(list []string) string {
	if n := len(list); n > 1 {
		return strings.Join(list[:n-1], ", ") + " and " + list[n-1]
	}
	return strings.Join(list, "")
}

// sentence makes a sentence of text: a capital, and an end.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	text = strings.ToUpper(text[:1]) + text[1:]
	if !strings.HasSuffix(text, ".") {
		text += "."
	}
	return text
}
