package record

// Kind tells what an envelope's entry holds. The numbers are on the wire.
type Kind uint8

const (
	KindTick         Kind = 1 // time passes; no body, unless a stage reminds itself of a key
	KindOrderEvent   Kind = 2
	KindDecision     Kind = 3
	KindCommand      Kind = 4
	KindStock        Kind = 5
	KindAvailability Kind = 6
	KindWarehouse    Kind = 7 // TableRow
	KindShop         Kind = 8 // TableRow
	KindCatalog      Kind = 9 // TableRow
)

var kindNames = [...]string{KindTick: "tick", KindOrderEvent: "order_event", KindDecision: "decision", KindCommand: "command",
	KindStock: "stock", KindAvailability: "availability", KindWarehouse: "warehouse", KindShop: "shop", KindCatalog: "catalog"}

// String returns the kind's name as `tail` prints it.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}
