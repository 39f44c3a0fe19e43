# 提词 Tici. `make help` lists what there is.
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -eu -c
SHELL := /bin/sh

# The first Python that runs and is new enough; a name on the PATH alone may be an empty shim.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
BIN := .venv/bin
# Most tests wait for processes: more workers than cores.
WORKERS ?= 4
# They also wait for the disk: where memory has room, their files lie there (about 3 GB, deleted at the end).
MEMORY ?= $(shell df -Pm /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 6000 { print "/dev/shm" }')
FLASK := $(BIN)/flask

# Which vulnerability service `make audit-deps` asks; empty: the tool's own choice.
VULNERABILITY_SERVICE ?=
CHAOS ?= --seed 1 --minutes 5 --messages 5000 --kills 60 --each-point 2 --database sqlite

.PHONY: help setup setup-tests demo story test quick chaos bench pictures check fmt lint types imports lock audit-deps sbom clean

help: ## 列出所有命令 / list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: .venv/.installed ## 建 .venv 并安装锁定的依赖 / create .venv and install the locked requirements

demo: setup ## 启动完整演示，Ctrl-C 结束 / start the whole demo
	@exec $(FLASK) demo

story: setup ## 自动演一遍并核对每一步 / play the story, check every step
	@exec $(FLASK) demo --story

test: setup-tests ## 运行全部测试 / run all tests
	@if [ -n "$(MEMORY)" ]; then
	  export TMPDIR=$$(mktemp -d $(MEMORY)/tici-tests.XXXXXX)
	  trap 'rm -rf "$$TMPDIR"' EXIT
	  trap 'exit 130' INT TERM
	  chmod 755 "$$TMPDIR"  # PostgreSQL runs as another user where root runs the tests
	fi
	export PYTHONDONTWRITEBYTECODE=  # hundreds of processes are started: each would compile everything anew
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder && exit
	code=$$?
	[ $$code = 1 ] || exit $$code
	echo "有测试没通过。它们同时跑着别的测试，现在单独再跑一遍：还不过就是真的没过。"
	echo "Those that failed ran beside others; now once more alone: what fails again has failed."
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none --maxfail 10

quick: setup-tests ## 约一分钟：不启动进程、浏览器的测试 / the tests that start no process and no browser, about a minute
	@exec $(BIN)/python -m pytest --quick -n 2 --dist loadscope

chaos: setup-tests ## 长时间随机故障（CHAOS="--seed 7 --minutes 30 …"） / break everything by a seed, then audit
	@exec $(BIN)/python -W ignore -m tests.chaos $(CHAOS)

bench: setup-tests ## 量一遍各项工作的开销，重写 docs/performance（BENCH="due deliver" 只量这些） / measure what the work costs
	@exec $(BIN)/python docs/measured/make.py $(BENCH)

pictures: setup-tests ## 重拍 README 里的图 / photograph the pages for the READMEs anew
	@exec $(BIN)/python docs/pictures/make.py

check: fmt lint types imports test ## 格式、静态检查、类型、导入规则、测试 / all that CI runs

setup-tests: .venv/.installed-tests

fmt: setup-tests
	@$(BIN)/ruff format --check .

lint: setup-tests
	@$(BIN)/ruff check .

types: setup-tests
	@$(BIN)/mypy

imports: setup-tests
	@$(BIN)/lint-imports

lock: setup-tests ## 重新锁定依赖 / lock the requirements anew
	@$(BIN)/python -m pip install --quiet uv
	export UV_CUSTOM_COMPILE_COMMAND="make lock"
	$(BIN)/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url --upgrade \
	  pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --universal --generate-hashes --no-emit-index-url \
	  --extra tests -c requirements.txt pyproject.toml -o tests/requirements.txt

audit-deps: setup ## 查锁定的依赖有没有已知漏洞（要联网） / known holes in the locked requirements
	@[ -x .venv/audit/bin/pip-audit ] || { $(PYTHON) -m venv .venv/audit; .venv/audit/bin/python -m pip install --quiet pip-audit; }
	# Strict: without its database it finds nothing, calls that good and ends with 0.
	.venv/audit/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off -r requirements.txt \
	  $(if $(VULNERABILITY_SERVICE),--vulnerability-service $(VULNERABILITY_SERVICE)) || {
	  echo "没有查成，或查到了漏洞（见上）。要能访问漏洞库 / not audited, or holes found: see above; it needs the vulnerability service" >&2
	  exit 1
	}

sbom: setup ## 写出依赖清单 sbom.json（CycloneDX） / write a bill of materials of the locked requirements
	@[ -x .venv/sbom/bin/cyclonedx-py ] || { $(PYTHON) -m venv .venv/sbom; .venv/sbom/bin/python -m pip install --quiet cyclonedx-bom; }
	.venv/sbom/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json requirements.txt
	echo "sbom.json"

clean: ## 删除 .venv 与 var（演示数据也会删除） / remove .venv and var, demo data included
	@rm -rf .venv var

.venv/.installed: requirements.txt
	@version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true)
	case "$$version" in
	  3.1[1-9]) ;;
	  *) echo "需要 Python 3.11 或更新的版本（现在是 $${version:-没有}）。Debian/Ubuntu 请运行 / please run:"; \
	     echo "  sudo apt-get install -y python3 python3-venv python3-pip"; exit 1 ;;
	esac
	if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then
	  echo "缺少 venv 或 pip。请运行 / venv or pip is missing, please run:"
	  echo "  sudo apt-get install -y python3-venv python3-pip"
	  exit 1
	fi
	[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	echo "正在安装依赖（首次约一分钟）…… / installing"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r requirements.txt
	touch $@

.venv/.installed-tests: .venv/.installed tests/requirements.txt
	@echo "正在安装测试用的依赖…… / installing what the tests need"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r tests/requirements.txt
	touch $@
