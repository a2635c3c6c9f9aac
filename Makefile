.PHONY: test nightly

test: ## what continuous integration runs
	./test

nightly: ## many more and longer stories, mutations and kills, and the table of mishaps with every command
	mkdir -p var
	PYHEKETI_TESTS=nightly PYHEKETI_REPORTS=var ./test tests/property tests/fuzz tests/process
