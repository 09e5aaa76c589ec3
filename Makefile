# make run    sets up and shows the main job end to end on a scratch station
# make test   sets up and runs every test; those of the page need Debian's chromium, which it installs if it can
# make lint   ruff, mypy, import-linter
# make check  lint, and every test with a report of the lines that no test runs
# make deb    builds the Debian package in dist/, and lets lintian judge it
# make dist   wheel, source archive, list of contents, licences and release notes, into dist/
# make test-training   adds PyTorch (600 MB and more) to the environment and runs the tests of training, half of which need it
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The newest brings CUDA along; for the CPU build: TORCH="--index-url https://download.pytorch.org/whl/cpu torch"
TORCH ?= "torch>=2.9"
# Many tests wait for a process: two at a time take three quarters of the time. Each may take over a gigabyte.
PYTEST := $(BIN)/pytest -n logical --maxprocesses 4 --dist worksteal
export PYTHON

.PHONY: run test test-training lint check browser lock dist deb clean

run: $(VENV)/ready
	$(BIN)/filmscand demo

test: $(VENV)/ready browser
	$(PYTEST)

test-training: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	$(BIN)/pytest tests/training

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy packaging
	$(BIN)/lint-imports

check: lint browser
	$(PYTEST) --cov --cov-report=term

browser:
	setup/system_packages.sh browser

deb:
	packaging/make_deb.sh

# The lock names exact versions with hashes; the project itself is installed from the checkout, editable. uv installs
# them in a third of the time that pip takes, which was most of the set-up.
$(VENV)/ready: requirements.lock setup/installer.lock pyproject.toml setup/system_packages.sh
	setup/system_packages.sh
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r setup/installer.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(BIN)/filmscand warm-up
	touch $@

# Run it after a change of the dependencies in pyproject.toml. The extra "lpips" stays out: it brings PyTorch, which
# nothing here needs. The second lock is what the Debian package and the container bundle, the third what make dist uses.
lock: $(VENV)/ready
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group dev --extra scanner --extra evaluate \
		--extra notify --extra s3 --extra cluster pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra scanner --extra notify --extra s3 \
		--constraint requirements.lock pyproject.toml --output-file packaging/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group release \
		--constraint requirements.lock --output-file packaging/release.lock
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes - \
		--output-file setup/installer.lock

dist:
	setup/system_packages.sh
	packaging/make_dist.sh

clean:
	rm -rf $(VENV) build dist *.egg-info
