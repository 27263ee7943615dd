package topology

// Role says what a topic is for, which decides its settings and who may trim it.
type Role string

// The roles.
const (
	RolePublicIn  Role = "public_in"  // others write, intake reads
	RolePublicOut Role = "public_out" // a stage writes, others read
	RoleTable     Role = "table"      // others write, compacted, one partition
	RoleLog       Role = "log"        // internal, the input of one stage
	RoleChangelog Role = "changelog"  // internal, the state of one stage
	RoleDLQ       Role = "dlq"        // what can't be decided, with the reason
	RoleDLQDone   Role = "dlq_done"   // which of it was dealt with: people's commands write it, no stage reads it
	RoleSlots     Role = "slots"      // which slot lies on which partition, by log
)

// Topic is one topic as it has to be on the broker.
type Topic struct {
	Name        string            `json:"name"`
	Short       string            `json:"short"`
	Role        Role              `json:"role"`
	Partitions  int32             `json:"partitions"`
	Replication int16             `json:"replication"`
	Configs     map[string]string `json:"configs"`
}

// Stage is what one kind of task reads and writes, all by short names.
type Stage struct {
	Name      string   `json:"name"`
	Group     string   `json:"group"`
	Inputs    []string `json:"inputs"`
	Log       string   `json:"log,omitempty"`       // the internal log that it owns; intake has none
	Changelog string   `json:"changelog,omitempty"` // "" when the stage has no state
	Sends     []string `json:"sends"`               // internal logs that it writes to
	Publishes []string `json:"publishes"`           // public topics that it writes to
}

// Topology is everything on the wire. It is made once and not changed.
type Topology struct {
	AppID  string  `json:"app_id"`
	Topics []Topic `json:"topics"`
	Stages []Stage `json:"stages"`

	byShort map[string]int
}

// New returns the topology of a configuration, or all that is wrong with it.
func New(c Config) (*Topology, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	t := &Topology{AppID: c.AppID}
	t.addTopics(&c)
	t.addStages(&c)
	t.index()
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Topology) index() {
	t.byShort = make(map[string]int, len(t.Topics))
	for i := range t.Topics {
		t.byShort[t.Topics[i].Short] = i
	}
}

// Lookup returns the topic of a short name, or nil.
func (t *Topology) Lookup(short string) *Topic {
	if i, ok := t.byShort[short]; ok {
		return &t.Topics[i]
	}
	return nil
}

// Stage returns the stage of that name, or nil.
func (t *Topology) Stage(name string) *Stage {
	for i := range t.Stages {
		if t.Stages[i].Name == name {
			return &t.Stages[i]
		}
	}
	return nil
}

// Logs returns the short names of the internal logs.
func (t *Topology) Logs() []string {
	var out []string
	for i := range t.Topics {
		if t.Topics[i].Role == RoleLog {
			out = append(out, t.Topics[i].Short)
		}
	}
	return out
}
