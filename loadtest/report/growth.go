package report

import "strings"

// growthView is a Growth in words.
type growthView struct {
	Name, Then, Now, Change string
}

func (g *Growth) view() growthView {
	v := growthView{Name: g.Name, Then: "not known", Now: "not known", Change: "not known"}
	words := func(x float64) string { return strings.TrimSpace(digits(x) + " " + g.Unit) }
	if g.Then != Unknown {
		v.Then = words(g.Then)
	}
	if g.Now != Unknown {
		v.Now = words(g.Now)
	}
	switch {
	case g.Then == Unknown || g.Now == Unknown:
	case g.Then == 0 && g.Now == 0:
		v.Change = "0 %"
	case g.Then == 0:
		v.Change = "from nothing"
	case g.Now >= g.Then:
		v.Change = "+" + digits(100*(g.Now/g.Then-1)) + " %"
	default:
		v.Change = "-" + digits(100*(1-g.Now/g.Then)) + " %"
	}
	return v
}
