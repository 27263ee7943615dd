package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// What follows is Grafana's classic dashboard model, as far as it is used here.
// Fields without a value are left to Grafana's defaults.

type dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Version       int        `json:"version"`
	Editable      bool       `json:"editable"`
	GraphTooltip  int        `json:"graphTooltip"` // 1: one crosshair for all panels
	Refresh       string     `json:"refresh"`
	Time          timeRange  `json:"time"`
	Templating    templating `json:"templating"`
	Panels        []panel    `json:"panels"`
}

type timeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type templating struct {
	List []variable `json:"list"`
}

// variable is a choice at the top of the dashboard.
type variable struct {
	Name       string      `json:"name"`
	Label      string      `json:"label"`
	Type       string      `json:"type"` // datasource, query
	Query      string      `json:"query"`
	Datasource *datasource `json:"datasource,omitempty"`
	Refresh    int         `json:"refresh,omitempty"` // 2: with the time range
	Multi      bool        `json:"multi,omitempty"`
	IncludeAll bool        `json:"includeAll,omitempty"`
	AllValue   string      `json:"allValue,omitempty"`
	Current    *current    `json:"current,omitempty"`
}

type current struct {
	Text  string `json:"text"`
	Value string `json:"value"`
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID          int          `json:"id"`
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Description string       `json:"description,omitempty"`
	Datasource  *datasource  `json:"datasource,omitempty"`
	GridPos     gridPos      `json:"gridPos"`
	FieldConfig *fieldConfig `json:"fieldConfig,omitempty"`
	Options     *options     `json:"options,omitempty"`
	Targets     []target     `json:"targets,omitempty"`
}

type gridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

type fieldConfig struct {
	Defaults  defaults `json:"defaults"`
	Overrides []any    `json:"overrides"`
}

type defaults struct {
	Unit       string      `json:"unit"`
	Min        *float64    `json:"min,omitempty"`
	Custom     *custom     `json:"custom,omitempty"`
	Thresholds *thresholds `json:"thresholds,omitempty"`
}

type custom struct {
	FillOpacity int       `json:"fillOpacity"`
	Stacking    *stacking `json:"stacking,omitempty"`
}

type stacking struct {
	Mode string `json:"mode"`
}

type thresholds struct {
	Mode  string `json:"mode"`
	Steps []step `json:"steps"`
}

type step struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"` // null: from the beginning
}

type options struct {
	Legend  *legend  `json:"legend,omitempty"`
	Tooltip *tooltip `json:"tooltip,omitempty"`
}

type legend struct {
	DisplayMode string   `json:"displayMode"`
	Placement   string   `json:"placement"`
	Calcs       []string `json:"calcs"`
}

type tooltip struct {
	Mode string `json:"mode"`
	Sort string `json:"sort"`
}

type target struct {
	RefID        string `json:"refId"`
	Expr         string `json:"expr"`
	LegendFormat string `json:"legendFormat"`
}

const (
	columns    = 24 // of Grafana's grid
	panelWidth = 8
	height     = 8
	statHeight = 4
)

// from is the data source that is chosen at the top.
func from() *datasource { return &datasource{Type: "prometheus", UID: "${datasource}"} }

func zero() *float64 { return new(float64) }

// build lays the rows out: three panels side by side, small ones as many as fit.
func build() *dashboard {
	d := &dashboard{
		UID: "holdfast", Title: "Holdfast", Description: "Orders and stock: what is decided, how far behind, how healthy.",
		Tags: []string{"holdfast"}, SchemaVersion: 39, Version: 1, Editable: true, GraphTooltip: 1, Refresh: "10s",
		Time: timeRange{From: "now-1h", To: "now"},
		Templating: templating{List: []variable{
			{Name: "datasource", Label: "Data source", Type: "datasource", Query: "prometheus"},
			{Name: "job", Label: "Job", Type: "query", Query: "label_values(holdfast_build_info, job)", Datasource: from(), Refresh: 2,
				Multi: true, IncludeAll: true, AllValue: ".+", Current: &current{Text: "All", Value: "$__all"}},
		}},
	}
	y := 0
	for _, r := range rows() {
		d.add(panel{Type: "row", Title: r.title, GridPos: gridPos{H: 1, W: columns, Y: y}})
		y++
		x, h := 0, 0
		for _, s := range r.shows {
			p := s.panel()
			if x+p.GridPos.W > columns {
				x, y, h = 0, y+h, 0
			}
			p.GridPos.X, p.GridPos.Y = x, y
			x, h = x+p.GridPos.W, max(h, p.GridPos.H)
			d.add(p)
		}
		y += h
	}
	return d
}

func (d *dashboard) add(p panel) {
	p.ID = len(d.Panels) + 1
	d.Panels = append(d.Panels, p)
}

// panel makes the panel of what is shown.
func (s *show) panel() panel {
	p := panel{
		Type: "timeseries", Title: s.title, Description: s.tells, Datasource: from(), GridPos: gridPos{H: height, W: panelWidth},
		FieldConfig: &fieldConfig{Defaults: defaults{Unit: s.unit, Min: zero(), Custom: &custom{FillOpacity: 10}}, Overrides: []any{}},
		Options: &options{
			Legend:  &legend{DisplayMode: "table", Placement: "bottom", Calcs: []string{"lastNotNull", "max"}},
			Tooltip: &tooltip{Mode: "multi", Sort: "desc"},
		},
	}
	if s.stacked {
		p.FieldConfig.Defaults.Custom.Stacking = &stacking{Mode: "normal"}
	}
	if s.single {
		p.Type, p.GridPos.H, p.GridPos.W, p.Options = "stat", statHeight, columns/6, nil
		p.FieldConfig.Defaults.Custom = nil
		p.FieldConfig.Defaults.Thresholds = &thresholds{Mode: "absolute", Steps: []step{{Color: "green"}}}
		if s.alarm != nil {
			t := p.FieldConfig.Defaults.Thresholds
			t.Steps = append(t.Steps, step{Color: "red", Value: s.alarm})
		}
	}
	for i, q := range s.queries {
		p.Targets = append(p.Targets, target{RefID: string(rune('A' + i)), Expr: q.expr, LegendFormat: q.legend})
	}
	return p
}

// encode returns the dashboard as Grafana imports it.
func (d *dashboard) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("encoding the dashboard: %w", err)
	}
	return b.Bytes(), nil
}
