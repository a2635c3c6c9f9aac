.PHONY: test nightly

test: ## what continuous integration runs
	./test

nightly: ## many more and longer stories, and the table of mishaps with every command (an hour or so)
	mkdir -p var
	PYHEKETI_HYPOTHESIS=nightly PYHEKETI_REPORTS=var ./test tests/property
