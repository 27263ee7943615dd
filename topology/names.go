package topology

import "strconv"

// Short names of the topics that don't depend on the configuration.
const (
	StockFeed       = "stock.feed"
	FulfilmentFeed  = "fulfilment.feed"
	OrderEvents     = "order.events"
	StockEvents     = "stock.events"
	DeadLetters     = "dlq"
	DeadLettersDone = "dlq.done"
	Warehouses      = "warehouses"
	Catalog         = "catalog"
	ChannelTable    = "channels"
	SlotTables      = "slots"
	LogOrders       = "log.orders"
	LogInventory    = "log.inventory"
	LogAvailability = "log.availability"
)

// Names of the stages.
const (
	StageIntake    = "intake"
	StageOrders    = "orders"
	StageInventory = "inventory"
	StageChannels  = "channels"
)

// ChannelOrders is the short name of the topic on which a channel's orders come in.
func ChannelOrders(channel string) string { return "channel." + channel + ".orders" }

// ChannelStatus is the short name of the topic that tells a channel what became of its orders.
func ChannelStatus(channel string) string { return "channel." + channel + ".status" }

// ChannelStock is the short name of the topic that tells a channel what it may sell.
func ChannelStock(channel string) string { return "channel." + channel + ".stock" }

// Changelog is the short name of the changelog of a stage with state.
func Changelog(stage string) string { return "changelog." + stage }

// Name returns a topic's name as the broker knows it.
func (t *Topology) Name(short string) string { return t.Prefix() + short }

// Prefix begins every topic, group and transactional id of the application. An
// application id holds no dot, so no other application's names begin with it.
func (t *Topology) Prefix() string { return t.AppID + "." }

// Short is the reverse of Name; ok is false for a name of somebody else.
func (t *Topology) Short(name string) (short string, ok bool) {
	p := t.Prefix()
	if len(name) <= len(p) || name[:len(p)] != p {
		return "", false
	}
	return name[len(p):], true
}

// DeadLettersID is the transactional id of who deals with dead letters. There is
// one for the application: who comes second takes over from who is at it.
func (t *Topology) DeadLettersID() string { return t.Name(DeadLetters) }

// Group returns the consumer group of a stage.
func (t *Topology) Group(stage string) string { return t.Prefix() + stage }

// TransactionalID returns the transactional id, and static member id, of one
// worker: the slot-th of the stage in the process called instance. It is the
// same in every life of that worker, so that a new life ends the transaction
// which the last one left open.
func (t *Topology) TransactionalID(stage, instance string, slot int) string {
	return t.Prefix() + stage + "." + instance + "." + strconv.Itoa(slot)
}
