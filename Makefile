# Everything from a bare checkout with Python >= 3.11: `make help` lists the targets.

PYTHON ?= python3
VENV ?= .venv
WHEELS ?= .whl
GPU_PYTHON ?=

PY := $(VENV)/bin/python
INSTALL := $(PY) -m pip install --disable-pip-version-check -c constraints.txt
PINS := pyproject.toml constraints.txt

# A stamp stands for an environment with certain extras; it is newer than what it was installed from.
CORE := $(VENV)/.geodl-core
TEST := $(VENV)/.geodl-test
BENCH := $(VENV)/.geodl-bench
DOCS := $(VENV)/.geodl-docs

.DEFAULT_GOAL := help
.PHONY: help demo test slow lint format bench docs reproduce data gpu wheels wheel clean
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

demo: $(CORE) ## train, check and report a Lorenz-63 surrogate from the shipped NetCDF file
	mkdir -p results/demo
	$(VENV)/bin/geodl fit data/lorenz63/dt001.nc results/demo/lorenz63.safetensors --family dynamics --overwrite
	$(VENV)/bin/geodl report results/demo/lorenz63.safetensors data/lorenz63/test.nc results/demo/report.html --overwrite

test: $(TEST) ## run the tests
	$(PY) -m pytest -n 2 --dist loadfile

slow: $(TEST) ## run the tests that take longer
	$(PY) -m pytest -m slow

lint: $(TEST) ## check format, style and types
	$(PY) -m ruff format --check
	$(PY) -m ruff check
	$(PY) -m mypy geodl

format: $(TEST) ## format the code
	$(PY) -m ruff format
	$(PY) -m ruff check --fix

bench: $(BENCH) ## measure speed, and write docs/results/bench*.json
	$(PY) -m tests.bench.run

docs: $(DOCS) ## build the documentation into docs/_build/html
	$(PY) docs/tables.py
	$(PY) -m sphinx -W --keep-going -b html docs docs/_build/html

reproduce: $(TEST) ## train and measure what the papers claim; write docs/results, tables, figures, pretrained bundles
	$(VENV)/bin/geodl reproduce lorenz63 --results docs/results --overwrite
	$(VENV)/bin/geodl reproduce lorenz96-closure --results docs/results --overwrite
	$(VENV)/bin/geodl reproduce guo2016 --threads 2 --results docs/results --overwrite
	$(VENV)/bin/geodl reproduce chemistry100x --full --results docs/results --overwrite
	$(VENV)/bin/geodl reproduce atmosphere --results docs/results --overwrite
	if [ -n "$$GEODL_TURBULENCE_DATA" ]; then \
	    $(VENV)/bin/geodl reproduce ling2016 --results docs/results --overwrite && \
	    cp results/ling2016/ling2016.safetensors data/models/turbulence-anisotropy.safetensors; fi
	cp results/guo2016/guo2016.safetensors data/models/flow-obstacles.safetensors
	cp results/chemistry100x/chemistry100x.safetensors data/models/chemistry-h2.safetensors
	cp results/chemistry100x-gri30/chemistry100x-gri30.safetensors data/models/chemistry-gri30.safetensors
	cp results/atmosphere/atmosphere.safetensors data/models/chemistry-cb5.safetensors
	cp results/lorenz63/lorenz63.safetensors data/models/dynamics-lorenz63.safetensors
	cp results/lorenz96-closure/lorenz96-closure.safetensors data/models/dynamics-lorenz96-closure.safetensors
	cp results/lorenz63/attractor.png results/lorenz63/error_growth.png docs/images/
	cd data/models && sha256sum *.safetensors > SHA256SUMS
	$(PY) docs/tables.py

data: $(TEST) ## make the shipped samples anew
	$(PY) data/lorenz63/make.py
	$(PY) data/flow-obstacles/make.py
	$(PY) data/chemistry-h2/make.py
	if [ -n "$$GEODL_TURBULENCE_DATA" ]; then for set in geneva channel590 rotated-hill; do \
	    $(PY) data/turbulence-$$set/make.py; done; fi

gpu: ## show what CUDA must show; needs torch >= 2.9 and no network, takes missing packages from $(WHEELS)
	if [ -d $(WHEELS) ]; then $(PYTHON) -m pip install --quiet --no-index --no-deps --no-compile --upgrade \
	    --target .gpu-site $(WHEELS)/*.whl; fi
	PYTHONPATH=.gpu-site:. $(PYTHON) -m tests.gpu.run

wheels: ## fetch into $(WHEELS) what `make gpu` may miss; GPU_PYTHON=3.12 for another Python than this one
	$(PYTHON) -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	    $(if $(GPU_PYTHON),--python-version $(GPU_PYTHON)) --dest $(WHEELS) -r tests/gpu/wheels.txt

wheel: $(TEST) ## build the wheel into dist/
	$(PY) -m build --wheel

clean: ## remove everything that was built, the environment too
	rm -rf $(VENV) .gpu-site build dist docs/_build docs/gallery \
	    .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find geodl tests docs examples data -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"geodl needs Python >= 3.11, $(PYTHON) is {sys.version.split()[0]}: say make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(CORE): $(PINS) | $(PY)
	$(INSTALL) -e .
	@touch $@

$(TEST): $(PINS) | $(PY)
	$(INSTALL) -e '.[test]'
	@touch $@ $(CORE)

$(BENCH): $(PINS) | $(PY)
	$(INSTALL) -e '.[test,bench]'
	@touch $@ $(TEST) $(CORE)

$(DOCS): $(PINS) | $(PY)
	$(INSTALL) -e '.[docs]'
	@touch $@ $(CORE)
