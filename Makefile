# The commands people type. Each is one line; what it does is in tests/make/.
.PHONY: up down test bench soak conformance check runtime-clients

up: ## build everything, start a cluster, install, invoke an example
	@tests/make/up
down: ## stop what `make up` started and leave nothing behind
	@tests/make/down
test: ## every test, from nothing
	@tests/make/test
bench: ## the figures of the README, measured on this machine
	@tests/make/bench
soak: ## the long runs of which `make test` takes a sample
	@tests/make/soak
conformance: ## each documented sentence at local mode, pods and AWS's emulator, side by side
	@tests/make/conformance
check: ## format, lints, licences, generated files
	@tests/make/check
runtime-clients: ## the runtime clients that process tests run, from their registries
	@tests/make/runtime-clients
