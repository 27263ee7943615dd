# `make` lists what there is. `make demo` and `make test` need nothing but Go.

# What is tested is what ships: a static binary without C. Only the race detector needs a C compiler.
export CGO_ENABLED := 0
export KAFKA_PORT ?= 9092

LINT := go tool -modfile=tools/go.mod golangci-lint

PKG ?= ./...

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PKG=./state limits test, race, bench and fuzz to packages; KAFKA_PORT=9092 chooses the broker's port."

.PHONY: build
build: ## Build bin/holdfast
	go build -trimpath -o bin/holdfast ./cmd/holdfast

.PHONY: demo
demo: build ## Sell a day's rush of orders with an embedded broker, then audit it
	bin/holdfast demo --exit

SCENARIO ?= smoke
.PHONY: loadtest
loadtest: build ## Rehearse a sale (SCENARIO=smoke) on an embedded broker, or on KAFKA=host:port
	tools/loadtest.sh $(SCENARIO) $(LOADTEST_FLAGS)

.PHONY: rehearsal
rehearsal: SCENARIO = 11.11
rehearsal: build ## Rehearse 11.11 on a real Kafka with two nodes, one killed at the peak; then two runs that must fail
	tools/rehearsal.sh $(SCENARIO) $(LOADTEST_FLAGS)

MINUTES ?= 40
.PHONY: soak
soak: build ## Soak two nodes on a real Kafka, a fault every 30 s: is all that should be flat flat? (MINUTES=40)
	MINUTES=$(MINUTES) tools/soak.sh $(LOADTEST_FLAGS)

.PHONY: test
test: ## Run the tests (Go alone)
	go test -timeout 5m $(TESTFLAGS) $(PKG)

.PHONY: race
race: ## Run the tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race -timeout 20m $(TESTFLAGS) $(PKG)

.PHONY: lint
lint: ## Check vet's and the linters' rules and the format
	$(LINT) run ./...

.PHONY: format
format: ## Rewrite the Go files as gofmt wants them
	gofmt -s -w $$(git ls-files -co --exclude-standard '*.go')

.PHONY: fuzz
fuzz: ## Run every fuzz target for a few seconds (FUZZ_TIME=5s)
	tools/fuzz.sh $(PKG)

BENCH ?= .
COUNT ?= 1
.PHONY: bench
bench: ## Run the Go benchmarks (BENCH=regexp COUNT=6, to compare with benchstat)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG)

LINES ?= 2000000
.PHONY: bench-peers
bench-peers: COUNT = 3
bench-peers: build ## Compare with Kafka Streams on one broker (COUNT=3 LINES=2000000; needs a JDK 17, Maven)
	go run ./loadtest/peers --port $(KAFKA_PORT) --count $(COUNT) --lines $(LINES)

ONLY ?=
.PHONY: drill
drill: ## Rehearse faults on processes and a real Kafka (ONLY=regexp chooses, LIST=1 prints the matrix of faults)
	go run ./loadtest/drill --port $(KAFKA_PORT) --only '$(ONLY)' $(if $(LIST),--list) $(DRILL_FLAGS)

.PHONY: takeover
takeover: COUNT = 3
takeover: build ## Kill and restart nodes with 4 M open holds, beside Kafka Streams (COUNT=3; needs a JDK 17, Maven)
	go run ./loadtest/takeover --port $(KAFKA_PORT) --count $(COUNT) $(TAKEOVER_FLAGS)

.PHONY: mutants
mutants: ## Put faults in on purpose, which the simulation must find
	go test -count 1 -v -timeout 10m -tags mutants -run Mutants ./processor/simulation

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what is called (needs the network)
	go tool -modfile=tools/go.mod govulncheck ./...

.PHONY: kafka
kafka: ## Start a real Apache Kafka on 127.0.0.1:KAFKA_PORT (Java 17, Maven)
	@deploy/kafka/kafka.sh start

.PHONY: kafka-stop
kafka-stop: ## Stop the Kafka that make kafka started
	@deploy/kafka/kafka.sh stop

.PHONY: kafka-clean
kafka-clean: ## Stop it and remove its data and logs
	@deploy/kafka/kafka.sh clean

.PHONY: kafka-cluster
kafka-cluster: ## Start three brokers on KAFKA_PORT and the two ports after it, with three replicas of everything
	@deploy/kafka/kafka.sh cluster start

.PHONY: kafka-cluster-clean
kafka-cluster-clean: ## Stop them and remove their data and logs
	@deploy/kafka/kafka.sh cluster clean

.PHONY: test-kafka
test-kafka: ## Run the tests that need a real Kafka, starting one if none answers
	deploy/kafka/test.sh $(TESTFLAGS)

.PHONY: test-synctest
test-synctest: ## Run the tests in which the Kafka client runs on a fake clock
	tools/tagged.sh synctests -count 1 -timeout 10m $(TESTFLAGS)

.PHONY: test-browser
test-browser: ## Open the load test's reports in Chromium and look whether every plot draws (SCREENSHOTS=DIR keeps pictures)
	tools/tagged.sh browser -count 1 -timeout 2m $(TESTFLAGS)

.PHONY: test-dashboards
test-dashboards: ## Check the Grafana dashboard against the metrics that there are (needs the network once)
	cd deploy/grafana && go vet ./... && go test $(TESTFLAGS) ./...

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin
