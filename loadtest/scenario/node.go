package scenario

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
)

// Node is a process whose use of memory, goroutines, descriptors and disk is
// looked at every second.
type Node struct {
	Name    string `yaml:"name"`
	Metrics string `yaml:"metrics"`  // host:port of its admin server, or the URL of its metrics
	DataDir string `yaml:"data_dir"` // where it keeps its state, if that is on this machine; "": its disk isn't looked at
}

// URL returns where its metrics are.
func (n *Node) URL() string {
	if strings.Contains(n.Metrics, "://") {
		return n.Metrics
	}
	return "http://" + n.Metrics + "/metrics"
}

const nodesMax = 16

func (s *Scenario) nodes(v *validator) {
	v.check(len(s.Nodes) <= nodesMax, "%d nodes: at most %d", len(s.Nodes), nodesMax)
	seen := map[string]bool{}
	disk := false
	for i := range s.Nodes {
		n, where := &s.Nodes[i], fmt.Sprintf("nodes[%d]", i)
		v.check(n.Name != "", "%s needs a name", where)
		v.name(where+".name", n.Name)
		v.check(n.Name == "" || !seen[n.Name], "%s: %s is there already", where, cut(n.Name))
		seen[n.Name] = true
		v.check(validMetrics(n), "%s.metrics is %q: host:port of the node's admin server, or the URL of its metrics", where, cut(n.Metrics))
		disk = disk || n.DataDir != ""
	}
	for _, name := range slices.Sorted(maps.Keys(growths())) {
		if _, asked := s.Thresholds[name]; !asked {
			continue
		}
		switch name {
		case DiskGrowth:
			v.check(disk, "thresholds.%s needs nodes with their data_dir", name)
		case ChangelogsGrowth:
			v.check(s.BrokerDisk, "thresholds.%s needs broker_disk: true", name)
		default:
			v.check(len(s.Nodes) > 0, "thresholds.%s needs nodes", name)
		}
	}
}

func validMetrics(n *Node) bool {
	u, err := url.Parse(n.URL())
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host, port, err := net.SplitHostPort(u.Host)
	return err == nil && host != "" && port != "" || strings.Contains(n.Metrics, "://") && u.Host != ""
}
