package sale

import (
	"fmt"

	"holdfast/topology/record"
)

// city is where warehouses stand and buyers live.
type city struct {
	code, name, region string
	lat, lng           float64
	weight             int     // share of the buyers
	share              float64 // the same in a Shape
	kind               string  // of its warehouse
	serves             []string
	noCOD              bool
}

// cities returns 20 cities of Vietnam, with what stands there: warehouses serve
// every channel, 3PLs the marketplaces, and shops the till and some the web.
func cities() []city {
	marketplaces := []string{"shopee", "lazada", "tiktok"}
	till, web := []string{"pos"}, []string{"pos", "web"}
	return []city{
		{"HCM", "TP. Hồ Chí Minh", "VN-SG", 10.8231, 106.6297, 300, 300, "warehouse", nil, false},
		{"HN", "Hà Nội", "VN-HN", 21.0285, 105.8542, 230, 230, "warehouse", nil, false},
		{"DN", "Đà Nẵng", "VN-DN", 16.0544, 108.2022, 60, 60, "warehouse", nil, false},
		{"BD", "Thủ Dầu Một", "VN-57", 10.9804, 106.6519, 50, 50, "3pl", marketplaces, false},
		{"CT", "Cần Thơ", "VN-CT", 10.0452, 105.7469, 45, 45, "warehouse", nil, false},
		{"BN", "Bắc Ninh", "VN-56", 21.1861, 106.0763, 25, 25, "3pl", marketplaces, false},
		{"HP", "Hải Phòng", "VN-HP", 20.8449, 106.6881, 45, 45, "store", web, false},
		{"BH", "Biên Hòa", "VN-39", 10.9574, 106.8427, 45, 45, "store", web, false},
		{"NT", "Nha Trang", "VN-34", 12.2388, 109.1967, 25, 25, "store", web, false},
		{"HUE", "Huế", "VN-26", 16.4637, 107.5909, 20, 20, "store", web, true},
		{"VI", "Vinh", "VN-22", 18.6796, 105.6813, 20, 20, "store", till, false},
		{"QN", "Quy Nhơn", "VN-31", 13.7830, 109.2197, 15, 15, "store", web, true},
		{"BMT", "Buôn Ma Thuột", "VN-33", 12.6662, 108.0382, 15, 15, "store", till, false},
		{"DL", "Đà Lạt", "VN-35", 11.9404, 108.4583, 15, 15, "store", web, false},
		{"VT", "Vũng Tàu", "VN-43", 10.3460, 107.0843, 20, 20, "store", till, false},
		{"HL", "Hạ Long", "VN-13", 20.9712, 107.0448, 15, 15, "store", web, true},
		{"TH", "Thanh Hóa", "VN-21", 19.8067, 105.7852, 20, 20, "store", till, false},
		{"TN", "Thái Nguyên", "VN-69", 21.5942, 105.8482, 15, 15, "store", web, false},
		{"LX", "Long Xuyên", "VN-44", 10.3864, 105.4352, 10, 10, "store", till, true},
		{"RG", "Rạch Giá", "VN-47", 10.0125, 105.0809, 10, 10, "store", web, false},
	}
}

// warehouse is a row of the table with what the generator asks of it.
type warehouse struct {
	row    record.Warehouse
	store  bool
	closed bool // to the SKU that is being placed
}

// warehousesOf returns n warehouses: one for each city, then second ones.
//
// What they can pack in an hour is set against the sale, which takes half a
// minute: the largest ones reach it.
func warehousesOf(cities []city, n, orders int) []warehouse {
	out := make([]warehouse, n)
	for i := range out {
		c := &cities[i%len(cities)]
		again := float64(i / len(cities))
		lat, lng := c.lat+again*0.01, c.lng-again*0.01
		priority := map[string]int64{"warehouse": 1, "3pl": 2, "store": 5}[c.kind]
		capacity := max(10, int64(orders)/map[string]int64{"warehouse": 5, "3pl": 10, "store": 50}[c.kind])
		w := record.Warehouse{
			ID: record.WarehouseID(fmt.Sprintf("%s-%d", c.code, 1+i/len(cities))), Name: c.name, Kind: c.kind, Lat: &lat, Lng: &lng,
			Priority: &priority, CapacityPerHour: &capacity, Cutoff: "17:00", Timezone: "Asia/Ho_Chi_Minh", Serves: c.serves, Pickup: c.kind == "store",
		}
		if c.noCOD {
			no := false
			w.COD = &no
		}
		out[i] = warehouse{row: w, store: c.kind == "store"}
	}
	return out
}
