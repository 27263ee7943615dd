package topology

func (t *Topology) addStages(c *Config) {
	add := func(s Stage) {
		s.Group = t.Group(s.Name)
		if s.Log != "" {
			s.Inputs = []string{s.Log}
			s.Changelog = Changelog(s.Name)
		}
		s.Publishes = append(s.Publishes, DeadLetters)
		t.Stages = append(t.Stages, s)
	}
	var orders, status, stock []string
	for _, name := range c.Channels {
		orders = append(orders, ChannelOrders(name))
		status = append(status, ChannelStatus(name))
		stock = append(stock, ChannelStock(name))
	}
	add(Stage{
		Name: StageIntake,
		// Tables first: they are worked off before anything else.
		Inputs: append([]string{Warehouses, Catalog, ChannelTable, StockFeed, FulfilmentFeed}, orders...),
		Sends:  []string{LogOrders, LogInventory, LogAvailability},
	})
	add(Stage{
		Name: StageOrders, Log: LogOrders,
		Sends:     []string{LogInventory},
		Publishes: append([]string{OrderEvents}, status...),
	})
	add(Stage{
		Name: StageInventory, Log: LogInventory,
		Sends: []string{LogOrders, LogAvailability},
	})
	add(Stage{
		Name: StageChannels, Log: LogAvailability,
		Publishes: append([]string{StockEvents}, stock...),
	})
}
