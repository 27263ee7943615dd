package order

import (
	"fmt"
	"strings"

	"holdfast/processor/stage"
	"holdfast/topology/record"
	"holdfast/topology/record/pack"
)

// Stage decides the orders of one partition of log.orders. It is a stage.Stage.
type Stage struct {
	cfg    Config
	next   nextDue
	due    dueTimers
	places places
	combos catalog
	turn   turn
	was    dues   // of the turn's order, as it was loaded
	had    stored // of it

	// What follows is memory that is used again for every entry.
	order    Order
	ev       record.OrderEvent
	body     record.OrderBody
	decision record.Decision
	key      []byte
	value    []byte
}

var _ stage.Stage = (*Stage)(nil)

// New returns the stage of one task. It panics when the config isn't valid.
func New(cfg Config) *Stage {
	if err := cfg.Validate(); err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	s := &Stage{cfg: cfg.withDefaults()}
	s.places.partitions = s.cfg.Partitions
	s.turn = turn{cfg: &s.cfg, places: &s.places, combos: &s.combos, store: &s.order, topics: map[string]string{}}
	return s
}

// Decide takes an envelope of log.orders. What is due comes first.
func (s *Stage) Decide(tx stage.Tx, r *stage.Record) {
	s.workOff(tx)
	err := record.Entries(r.Value, func(e record.Entry) error {
		return s.entry(tx, &e)
	})
	if err != nil {
		panic(fmt.Sprintf("BUG: %s: %v", r.Origin(), err))
	}
}

// Finish writes what was put off.
func (s *Stage) Finish(tx stage.Tx) {
	s.next.write(tx)
	s.places.parcels.write(tx)
}

// Reset forgets the transaction.
func (s *Stage) Reset() {
	s.next.reset()
	s.places.reset()
	s.combos.reset()
	s.order.forget()
	s.turn.forget()
	s.ev.Order = &s.body
	s.ev.Forget()
	clear(s.decision.Moves[:cap(s.decision.Moves)])
	s.decision = record.Decision{Moves: s.decision.Moves[:0]}
}

// Due returns a time before which nothing is due. It may be early, when what
// was due then has been done otherwise; the next record moves it on.
func (s *Stage) Due(tx stage.Tx) (record.Millis, bool) {
	s.next.load(tx)
	return s.next.at, s.next.at != 0
}

func (s *Stage) entry(tx stage.Tx, e *record.Entry) error {
	switch e.Kind {
	case record.KindTick:
		return s.tick(tx, e)
	case record.KindShop:
		return nil
	case record.KindCatalog:
		s.combos.change(tx, e)
		return nil
	case record.KindWarehouse:
		s.places.change(tx, e)
		return nil
	case record.KindOrderEvent:
		return s.event(tx, e)
	case record.KindDecision:
		return s.decide(tx, e)
	}
	return fmt.Errorf("an entry of kind %s on log.orders", e.Kind)
}

func (s *Stage) event(tx stage.Tx, e *record.Entry) error {
	ev := &s.ev
	ev.Order = &s.body
	if err := ev.Decode(e.Body); err != nil {
		return err
	}
	if string(e.Key) != string(ev.OrderKey) {
		return fmt.Errorf("event of order %q under the key %q", ev.OrderKey, e.Key)
	}
	if ev.Order != nil {
		s.combos.load(tx)
	}
	s.begin(tx, ev.OrderKey, e.Origin, tx.Now())
	s.turn.take(ev)
	s.end(tx)
	return nil
}

func (s *Stage) decide(tx stage.Tx, e *record.Entry) error {
	d := &s.decision
	if err := d.Decode(e.Body); err != nil {
		return err
	}
	if string(e.Key) != string(d.OrderKey) {
		return fmt.Errorf("decision for order %q under the key %q", d.OrderKey, e.Key)
	}
	s.begin(tx, d.OrderKey, e.Origin, tx.Now())
	s.turn.decided(d)
	s.turn.drain()
	s.end(tx)
	return nil
}

// tick is the run time's, and says nothing, or our own reminder.
func (s *Stage) tick(tx stage.Tx, e *record.Entry) error {
	if len(e.Body) == 0 {
		return nil
	}
	r := pack.NewReader(e.Body)
	attempt := uint32(readSmall(&r, 1<<32-1))
	if err := r.Close(); err != nil {
		return fmt.Errorf("reminder of order %q: %w", e.Key, err)
	}
	s.begin(tx, record.OrderKey(e.Key), record.Origin{}, tx.Now())
	s.turn.reminded(attempt)
	s.end(tx)
	return nil
}

// begin loads what is known of an order, and does what is due for it until a
// time.
func (s *Stage) begin(tx stage.Tx, key record.OrderKey, origin record.Origin, until record.Millis) {
	s.places.load(tx)
	s.places.loadParcels(tx, tx.Now())
	t := &s.turn
	t.begin(key, tx.Now(), origin)
	s.load(tx)
	if t.o != nil {
		t.was = t.o.before()
	}
	s.was = t.dues()
	t.doDue(until)
	t.origin = origin
}

// end stores what became of the order, and sends what comes of its turn.
func (s *Stage) end(tx stage.Tx) {
	t := &s.turn
	t.tidy()
	t.check()
	s.save(tx)
	s.index(tx)
	s.send(tx)
}

// index makes the order's timers those that it has now.
func (s *Stage) index(tx stage.Tx) {
	is := s.turn.dues()
	for k := timerExpiry; k <= timerInbox; k++ {
		if is[k] == s.was[k] {
			continue
		}
		if s.was[k] != 0 {
			s.key = appendTimerKey(s.key[:0], s.was[k], k, s.turn.key)
			tx.Delete(s.key)
		}
		if is[k] != 0 {
			s.key = appendTimerKey(s.key[:0], is[k], k, s.turn.key)
			tx.Put(s.key, nil)
			s.next.load(tx)
			s.next.lower(s.key)
		}
	}
}

func (s *Stage) send(tx stage.Tx) {
	t := &s.turn
	if t.reminder != 0 {
		s.key = append(s.key[:0], t.key...)
		s.value = pack.AppendUint(s.value[:0], uint64(t.reminder))
		tx.Send(stage.LogOrders, record.KindTick, s.key, record.Origin{}, s.value)
	}
	for i := range t.commands {
		c := &t.commands[i]
		s.value = record.AppendCommand(s.value[:0], &c.Command)
		s.key = append(s.key[:0], c.SKU...)
		tx.Send(stage.LogInventory, record.KindCommand, s.key, c.Origin, s.value)
	}
	s.key = append(s.key[:0], t.key...)
	for _, told := range t.told {
		topic := "order.events"
		if told.channel {
			topic = t.statusTopic()
		} else {
			tx.Count(told.outcome)
		}
		tx.Publish(topic, s.key, t.json[told.from:told.to])
	}
	for _, d := range t.dead {
		tx.DeadLetter(d)
	}
}

// statusTopic returns the topic of the order's channel. There are as many as
// the configuration has channels.
func (t *turn) statusTopic() string {
	channel := t.channel()
	topic, ok := t.topics[channel]
	if !ok {
		topic = "channel." + channel + ".status"
		t.topics[strings.Clone(channel)] = topic
	}
	return topic
}
