package sale

// life is what becomes of orders, as shares.
type life struct {
	cancelled, inPart   float64
	shipped             float64 // below 0: each channel's own
	delivered, returned float64
}

func lifeOf(h *Shape) life {
	if h == nil {
		return life{cancelled: 0.04, inPart: 0.15, shipped: -1, delivered: 0.5, returned: 0.1}
	}
	return life{cancelled: h.Cancelled, inPart: h.InPart, shipped: h.Shipped, delivered: h.Delivered, returned: h.Returned}
}

func (l *life) shippedOf(o *order) float64 {
	if l.shipped < 0 {
		return float64(o.channel.shipped) / 100
	}
	return l.shipped
}

// chance draws with a share. The demo's shares are whole per cents and drawn as
// such: another way of drawing would make another sale of its seed.
func (s *Sale) chance(share float64) bool {
	if s.cfg.Shape == nil {
		return s.rnd.IntN(100) < int(share*100+0.5)
	}
	return s.rnd.Float64() < share
}

// odds draws one in n for the demo, and a share for a Shape.
func (s *Sale) odds(n int, share float64) bool {
	if s.cfg.Shape == nil {
		return s.rnd.IntN(n) == 0
	}
	return s.rnd.Float64() < share
}
