package main

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/knadh/koanf/parsers/yaml"
	"github.com/stretchr/testify/require"
)

// TestComposeFile: what can be known of docker-compose.yml and the Dockerfile
// without Docker: the file reads, whatever is referred to is there, our commands
// are ones that this binary understands, and nothing is open to the network.
func TestComposeFile(t *testing.T) {
	b, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	file, err := yaml.Parser().Unmarshal(b)
	require.NoError(t, err)
	services, volumes := object(t, file["services"]), object(t, file["volumes"])
	nodes := map[string]bool{}
	for name, v := range services {
		service := object(t, v)
		for other := range optional(t, service["depends_on"]) {
			require.Contains(t, services, other, name)
		}
		for _, port := range texts(service["ports"]) {
			require.True(t, strings.HasPrefix(port, "127.0.0.1:"), "%s opens %s", name, port)
		}
		for _, mount := range texts(service["volumes"]) {
			from, _, _ := strings.Cut(mount, ":")
			if strings.HasPrefix(from, ".") {
				require.DirExists(t, "../../"+from)
			} else {
				require.Contains(t, volumes, from, name)
			}
		}
		if service["image"] != "holdfast" {
			continue
		}
		args := texts(service["command"])
		require.NotEmpty(t, args, name)
		a := &app{Process: Process{Stdout: io.Discard, Stderr: io.Discard}}
		k, err := a.parser(&commands{}, func(int) {})
		require.NoError(t, err)
		parsed, err := k.Parse(args)
		if args[0] == "--help" {
			continue
		}
		require.NoError(t, err, "%s: holdfast %s", name, strings.Join(args, " "))
		require.NoError(t, a.readFlags(parsed))
		if args[0] == "run" {
			_, err := a.settings()
			require.NoError(t, err, name)
			nodes[a.loaded.Node.InstanceID] = true
		}
		brokers, _ := object(t, service["environment"])["KAFKA_BROKERS"].(string)
		host, port, _ := strings.Cut(brokers, ":")
		require.Contains(t, services, host)
		listeners, _ := object(t, object(t, services[host])["environment"])["KAFKA_ADVERTISED_LISTENERS"].(string)
		require.Contains(t, listeners, "://"+host+":"+port, "clients are told an address that leads back")
	}
	require.Len(t, nodes, 2, "two nodes, each with a name of its own")
}

func TestDockerfileBuildsWithOurGo(t *testing.T) {
	goMod, err := os.ReadFile("../../go.mod")
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(goMod)
	require.NotNil(t, version)
	dockerfile, err := os.ReadFile("../../Dockerfile")
	require.NoError(t, err)
	require.Contains(t, string(dockerfile), "FROM golang:"+string(version[1])+" ")
	require.Contains(t, string(dockerfile), "CGO_ENABLED=0 go build", "the last stage has no C library")
	require.Contains(t, string(dockerfile), ":nonroot")
}

func object(t *testing.T, v any) map[string]any {
	t.Helper()
	m, ok := v.(map[string]any)
	require.True(t, ok, "%v is no object", v)
	return m
}

func optional(t *testing.T, v any) map[string]any {
	t.Helper()
	if v == nil {
		return nil
	}
	return object(t, v)
}

func texts(v any) (list []string) {
	items, _ := v.([]any)
	for _, item := range items {
		if s, ok := item.(string); ok {
			list = append(list, s)
		}
	}
	return list
}
