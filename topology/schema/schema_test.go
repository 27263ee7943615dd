package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/invopop/jsonschema"
	compiler "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"holdfast/topology/record"
)

var update = flag.Bool("update", false, "write the schemas anew")

// public are the records of each schema.
func public() map[string]any {
	return map[string]any{
		"channel.orders":  &record.OrderInput{},
		"stock.feed":      &record.StockInput{},
		"fulfilment.feed": &record.FulfilmentInput{},
		"warehouses":      &record.Warehouse{},
		"channels":        &record.Shop{},
		"catalog":         &record.CatalogItem{},
		"order.events":    &record.OrderUpdate{},
		"stock.events":    &record.StockUpdate{},
		"channel.stock":   &record.ChannelStock{},
		"channel.status":  &record.StatusUpdate{},
	}
}

// words are the values that a field may have, where they are a list.
func words() map[string][]string {
	return map[string][]string{
		"OrderInput.type": {"order.created", "order.paid", "order.cancelled", "order.amended",
			"return.requested", "return.received", "return.refused", "exchange.requested"},
		"OrderInput.by":           {"buyer", "seller", "marketplace"},
		"OrderInputOrder.payment": {"unpaid", "prepaid", "cod"},
		"OrderInputOrder.allow":   {"all", "partial", "backorder"},
		"LineQtyInput.restock":    {"sellable", "unavailable", "none"},
		"StockInput.type":         {"stock.count", "stock.receive", "stock.adjust", "stock.damage", "stock.policy", "stock.incoming", "stock.transfer"},
		"FulfilmentInput.type": {"fulfilment.accepted", "fulfilment.rejected", "fulfilment.picked", "fulfilment.packed", "fulfilment.shipped",
			"fulfilment.in_transit", "fulfilment.delivered", "fulfilment.failed", "fulfilment.returned"},
		"Warehouse.kind": {"warehouse", "store", "3pl"},
		"Shop.kind":      {"marketplace", "own"},
		"OrderUpdate.type": {record.UpdateAccepted, record.UpdateRejected, record.UpdateConfirmed, record.UpdateExpired, record.UpdateRevived,
			record.UpdateCancelled, record.UpdateFilled, record.UpdatePicking, record.UpdatePacked, record.UpdateShipped, record.UpdateDelivered,
			record.UpdateCompleted, record.UpdateReturned, record.UpdateRefused},
		"OrderUpdate.status":  statuses(),
		"StatusUpdate.status": statuses(),
		"OrderUpdateLine.state": {record.LineHeld, record.LineAllocated, record.LineShort, record.LineBackordered, record.LineReleased,
			record.LineShipped, record.LineDelivered, record.LineReturned, record.LineCancelled},
		"StatusLine.action": {"ship", "cancel", "short"},
	}
}

func statuses() []string {
	return []string{"rejected", "cancelled", "returned", "short", "backordered", "partly_short", "held", "allocated", "picking", "packed",
		"shipped", "delivered", "completed"}
}

func TestSchemasAreThoseOfTheTypes(t *testing.T) {
	comments := readComments(t)
	for name, v := range public() {
		made := generate(t, name, v, comments)
		file := name + ".json"
		if *update {
			require.NoError(t, os.WriteFile(file, made, 0o644))
		}
		stored, err := os.ReadFile(file)
		require.NoError(t, err, "go test ./topology/schema -update writes it")
		require.Equal(t, string(stored), string(made), "%s and its type have drifted apart; -update writes it anew", file)
	}
	require.Len(t, Names(), len(public()))
}

func generate(t *testing.T, name string, v any, comments map[string]string) []byte {
	r := &jsonschema.Reflector{
		Anonymous:                 true,
		AllowAdditionalProperties: true, // who reads ignores what it doesn't know
		ExpandedStruct:            true,
		Mapper:                    mapper,
		LookupComment: func(typ reflect.Type, field string) string {
			if field == "" {
				return comments[typ.Name()]
			}
			return comments[typ.Name()+"."+field]
		},
	}
	s := r.Reflect(v)
	s.Title = name
	setWords(t, reflect.TypeOf(v).Elem().Name(), s)
	for typ, def := range s.Definitions {
		setWords(t, typ, def)
	}
	b, err := json.MarshalIndent(s, "", "  ")
	require.NoError(t, err)
	return append(b, '\n')
}

// mapper says what types are in JSON whose Go form doesn't.
func mapper(typ reflect.Type) *jsonschema.Schema {
	text := func(most uint64) *jsonschema.Schema {
		least := uint64(1)
		return &jsonschema.Schema{Type: "string", MinLength: &least, MaxLength: &most}
	}
	switch typ {
	case reflect.TypeFor[record.Millis]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[record.SettingInput]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer", Minimum: "0"}, {Type: "null"}}}
	case reflect.TypeFor[record.SKU](), reflect.TypeFor[record.WarehouseID]():
		return text(record.IDBytesMax)
	case reflect.TypeFor[record.OrderKey]():
		return text(32 + 1 + 64 + 1 + record.IDBytesMax)
	}
	return nil
}

func setWords(t *testing.T, typ string, s *jsonschema.Schema) {
	for key, list := range words() {
		of, field, _ := strings.Cut(key, ".")
		if of != typ {
			continue
		}
		p, ok := s.Properties.Get(field)
		require.True(t, ok, "%s has no field %s", typ, field)
		for _, w := range list {
			p.Enum = append(p.Enum, w)
		}
	}
	if p, ok := s.Properties.Get("holdfast"); ok {
		p.Const, p.Type = 1, ""
	}
}

// readComments reads what the source says of types and fields.
func readComments(t *testing.T) map[string]string {
	comments := map[string]string{}
	for _, file := range []string{"../record/public_in.go", "../record/public_out.go"} {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		require.NoError(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			d, ok := n.(*ast.GenDecl)
			if !ok || d.Tok != token.TYPE {
				return true
			}
			spec := d.Specs[0].(*ast.TypeSpec)
			comments[spec.Name.Name] = sentence(d.Doc.Text())
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, field := range s.Fields.List {
					text := sentence(field.Comment.Text())
					for _, name := range field.Names {
						comments[spec.Name.Name+"."+name.Name] = text
					}
				}
			}
			return false
		})
	}
	return comments
}

func sentence(s string) string { return strings.Join(strings.Fields(s), " ") }

// Compile checks that they are schemas, and a few records against them.
func TestRecordsFit(t *testing.T) {
	for _, c := range []struct {
		name, value string
		fits        bool
	}{
		{"channel.orders", `{"holdfast":1,"event_id":"e-1","type":"order.created","order_id":"W-1","order":{"payment":"cod","lines":[{"sku":"TEE","qty":1}]}}`, true},
		{"channel.orders", `{"holdfast":1,"event_id":"e-1","type":"order.created","order_id":"W-1","order":{"payment":"gold","lines":[]}}`, false},
		{"channel.orders", `{"holdfast":2,"event_id":"e-1","type":"order.paid","order_id":"W-1"}`, false},
		{"stock.feed", `{"holdfast":1,"event_id":"s-1","type":"stock.policy","sku":"TEE","channel":"shopee","cap":null,"buffer":5}`, true},
		{"stock.feed", `{"holdfast":1,"event_id":"s-1","type":"stock.policy","sku":"TEE","channel":"shopee","cap":"many"}`, false},
		{"warehouses", `{"id":"HCM-1"}`, true},
		{"warehouses", `{"name":"no id"}`, false},
		{"catalog", `{"sku":"COMBO-1","components":[{"sku":"TEE","qty":2}]}`, true},
	} {
		err := validate(t, c.name, []byte(c.value))
		require.Equal(t, c.fits, err == nil, "%s %s: %v", c.name, c.value, err)
	}
	require.True(t, slices.IsSorted(Names()))
	name, ok := OfTopic("channel.my-shop.stock")
	require.True(t, ok)
	require.Equal(t, "channel.stock", name)
	_, ok = OfTopic("log.orders")
	require.False(t, ok)
	_, err := JSON("../record/kind.go")
	require.ErrorContains(t, err, "no schema")
}

func validate(t *testing.T, name string, value []byte) error {
	b, err := JSON(name)
	require.NoError(t, err)
	doc, err := compiler.UnmarshalJSON(bytes.NewReader(b))
	require.NoError(t, err)
	c := compiler.NewCompiler()
	c.AssertFormat()
	require.NoError(t, c.AddResource(name, doc))
	s, err := c.Compile(name)
	require.NoError(t, err)
	v, err := compiler.UnmarshalJSON(bytes.NewReader(value))
	require.NoError(t, err)
	return s.Validate(v)
}
