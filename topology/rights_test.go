package topology

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func allStages() []string { return []string{StageIntake, StageOrders, StageInventory, StageChannels} }

func rightsText(rights []Right) []string {
	var out []string
	for i := range rights {
		out = append(out, rights[i].String())
	}
	return out
}

func TestRights(t *testing.T) {
	c := Default()
	c.AppID, c.Channels = "shop", []string{"web", "pos"}
	topo, err := New(c)
	require.NoError(t, err)
	for u, want := range map[User][]string{
		UserNode: {
			"READ on each topic that begins with shop.",
			"WRITE on each topic that begins with shop.",
			"DESCRIBE_CONFIGS on each topic that begins with shop.",
			"DELETE on each topic that begins with shop.changelog.",
			"READ on group shop.intake", "READ on group shop.orders", "READ on group shop.inventory", "READ on group shop.channels",
			"WRITE on each transactional id that begins with shop.",
		},
		UserOperator: {
			"CREATE on each topic that begins with shop.",
			"DESCRIBE_CONFIGS on each topic that begins with shop.",
			"READ on each topic that begins with shop.",
			"WRITE on topic shop.channel.web.orders", "WRITE on topic shop.channel.pos.orders",
			"WRITE on topic shop.stock.feed", "WRITE on topic shop.fulfilment.feed",
			"WRITE on topic shop.warehouses", "WRITE on topic shop.catalog", "WRITE on topic shop.channels", "WRITE on topic shop.dlq.done", "WRITE on topic shop.slots",
			"DESCRIBE on group shop.intake", "DESCRIBE on group shop.orders", "DESCRIBE on group shop.inventory", "DESCRIBE on group shop.channels",
			"WRITE on transactional id shop.dlq",
		},
		UserAudit: {
			"READ on each topic that begins with shop.",
			"DESCRIBE on group shop.intake", "DESCRIBE on group shop.orders", "DESCRIBE on group shop.inventory", "DESCRIBE on group shop.channels",
		},
		UserShop: {"WRITE on topic shop.channel.web.orders"},
		UserChannel: {
			"READ on topic shop.channel.web.status", "READ on topic shop.channel.web.stock",
			"READ on each group that begins with shop.channel.web.",
		},
	} {
		require.Equal(t, want, rightsText(topo.Rights(u, "web", allStages())), u)
	}
	require.NotContains(t, rightsText(topo.Rights(UserLoadtest, "", nil)), "WRITE on topic shop.slots")

	one := rightsText(topo.Rights(UserNode, "", []string{StageInventory}))
	require.Contains(t, one, "DELETE on topic shop.changelog.inventory")
	require.Contains(t, one, "READ on group shop.inventory")
	require.NotContains(t, one, "READ on group shop.orders")
}

// Whatever the topology: rights allow all that a user does with topics, and those
// of everybody but a node allow nothing else.
func TestRightsAreWhatIsNeeded(t *testing.T) {
	for _, channels := range [][]string{{"web"}, {"web", "pos"}, Default().Channels, {"web", "web-2", "we"}} {
		c := Default()
		c.Channels = channels
		topo, err := New(c)
		require.NoError(t, err)
		for _, u := range Users() {
			for _, stages := range [][]string{allStages(), {StageIntake}, {StageOrders, StageChannels}} {
				rights := topo.Rights(u, channels[0], stages)
				needed := topo.TopicOperations(u, channels[0], stages)
				for i := range topo.Topics {
					name := topo.Topics[i].Name
					for _, o := range []Operation{OperationRead, OperationWrite, OperationCreate, OperationDelete, OperationDescribeConfigs} {
						needs, allowed := slices.Contains(needed[name], o), Allows(rights, ResourceTopic, name, o)
						if needs {
							require.True(t, allowed, "%s: %s on %s", u, o, name)
						} else if u != UserNode {
							require.False(t, allowed, "%s: %s on %s isn't needed", u, o, name)
						}
					}
				}
			}
		}
	}
}

// A node touches what its stages name and nothing of others.
func TestNodeOperationsFollowTheStages(t *testing.T) {
	topo, err := New(Default())
	require.NoError(t, err)
	needed := topo.TopicOperations(UserNode, "", []string{StageIntake})
	require.Contains(t, needed["holdfast.stock.feed"], OperationRead)
	require.Contains(t, needed["holdfast.log.orders"], OperationWrite)
	require.Contains(t, needed["holdfast.dlq"], OperationWrite)
	require.NotContains(t, needed["holdfast.log.orders"], OperationRead)
	require.NotContains(t, needed["holdfast.changelog.orders"], OperationDelete)
	needed = topo.TopicOperations(UserNode, "", []string{StageOrders})
	require.Subset(t, needed["holdfast.log.orders"], []Operation{OperationRead, OperationWrite}, "it writes its ticks")
	require.Subset(t, needed["holdfast.changelog.orders"], []Operation{OperationRead, OperationWrite, OperationDelete})
}

// An application's rights never reach into another's, and no reader's group can be
// that of a stage.
func TestRightsStayInTheApplication(t *testing.T) {
	topo, err := New(Default())
	require.NoError(t, err)
	for _, u := range Users() {
		for _, r := range topo.Rights(u, "web", allStages()) {
			require.True(t, strings.HasPrefix(r.Name, "holdfast."), "%s: %v", u, r)
			require.NotEmpty(t, r.Why)
			if r.Prefixed {
				require.True(t, strings.HasSuffix(r.Name, "."), "%s: %v", u, r)
			}
		}
	}
	for i := range topo.Stages {
		require.False(t, Allows(topo.Rights(UserChannel, "web", nil), ResourceGroup, topo.Stages[i].Group, OperationRead))
	}
}
