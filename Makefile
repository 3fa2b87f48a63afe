# Doorplate. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
DOORPLATE := $(TARGET_DIR)/release/doorplate
# What was published here counts, also after the program was built.
export DOORPLATE_MODELS ?= models
PORT ?= 8080
# SVHN's Format 1 folders, for the targets that need the real photos.
SVHN ?= ../shared/svhn/format1
# Photos without labels, for `train`.
UNLABELLED ?= ../shared/svhn/unlabelled
# Sharp digits in folders 0 to 9, for `train` and `evaluate-sharp`.
SHARP ?= ../shared/street/digits
# Street photos with boxes round their numbers, for `train-strokes` and `bench-walls`.
SCENES ?= ../shared/street/photos
# Close photos of signs with a box round each character, for `train-finder`.
SIGNS ?= ../shared/street/signs
# Where `train` and `train-synthetic` leave their runs.
RUNS ?= runs
# The Python of peers in benchmarks.
PYTHON ?= python3
# Where `typefaces` puts the typefaces of synthetic numbers.
TYPEFACES ?= target/typefaces

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: app
app: web ## Build everything and serve the page on http://127.0.0.1:8080/
	$(DOORPLATE) serve --port $(PORT)

.PHONY: test
test: test-native test-browser ## All tests: Rust, then the page in a real browser

.PHONY: native
native: ## Build the native program
	cargo build --locked --release

.PHONY: web
web: page engine native ## Build the page and the engine into dist/
	pkg-config/www.sh
	rm -rf dist/models dist/samples
	cp -r models dist/models
	cp -r assets/samples dist/samples
	$(DOORPLATE) finish dist

.PHONY: page
page: setup-wasm ## Build the page's wasm into dist/
	pkg-config/bindgen.sh app web app --parts

.PHONY: engine
engine: setup-wasm ## Build the engine's wasm into dist/
	pkg-config/bindgen.sh worker engine engine

.PHONY: setup-wasm
setup-wasm: ## Install the wasm target and the pinned wasm-bindgen and wasm-split, if missing
	pkg-config/setup.sh wasm-target
	pkg-config/setup.sh wasm-bindgen
	pkg-config/setup.sh wasm-split

.PHONY: test-native
test-native: ## The Rust tests
	cargo test --locked --release

# A test that fails may leave a browser open, for which its process would wait: hence --test-force-exit.
.PHONY: test-browser
test-browser: web ## The page in headless Chromium, with WebGPU and without, and in Firefox
	pkg-config/setup.sh browser-tests
	CHROMIUM="$$(pkg-config/setup.sh browser | tail -n 1)" \
		FIREFOX="$$(pkg-config/setup.sh firefox | tail -n 1)" DOORPLATE="$(abspath $(DOORPLATE))" SVHN="$(SVHN)" \
		node --test --test-force-exit --test-concurrency=1 tests/browser/*.test.mjs

.PHONY: screenshots
screenshots: web ## Pictures of every view of the page, to look at, in target/screenshots
	pkg-config/setup.sh browser-tests
	CHROMIUM="$$(pkg-config/setup.sh browser | tail -n 1)" DOORPLATE="$(abspath $(DOORPLATE))" \
		node tests/browser/screenshots.mjs target/screenshots

.PHONY: pictures
pictures: web ## The pictures of README.md and docs/, in docs/pictures
	pkg-config/setup.sh browser-tests
	CHROMIUM="$$(pkg-config/setup.sh browser | tail -n 1)" DOORPLATE="$(abspath $(DOORPLATE))" \
		node tests/browser/pictures.mjs docs/pictures

.PHONY: lint
lint: ## rustfmt and clippy on all three programs
	cargo fmt --check
	cargo clippy --locked --release --all-targets -- -D warnings
	pkg-config/setup.sh wasm-target
	cargo clippy --locked --release --bin app --no-default-features --features app --target wasm32-unknown-unknown -- -D warnings
	cargo clippy --locked --release --bin worker --no-default-features --features worker --target wasm32-unknown-unknown -- -D warnings

.PHONY: deny
deny: ## Licences, sources and duplicates of the dependencies
	pkg-config/setup.sh cargo-deny
	$(TARGET_DIR)/tools/bin/cargo-deny check licenses bans sources

.PHONY: check-cuda
check-cuda: ## Type-check the CUDA build, without CUDA or LLVM
	DOCS_RS=1 CARGO_TARGET_DIR=$(TARGET_DIR)/cuda cargo check --locked --features cuda

.PHONY: test-gpu
test-gpu: ## Compare the GPU's answers with the CPU's, on a machine with a GPU or a software Vulkan
	cargo test --locked --release --features wgpu --test gpu

.PHONY: test-lend
test-lend: ## Devices lent from one process to another, with a build that can
	cargo test --locked --release --features lend --test lend

.PHONY: bench
bench: native ## Removal times by box size, and the ratio to the report's way of training
	$(DOORPLATE) bench removal --measure time

.PHONY: bench-removal
bench-removal: native typefaces ## Removal compared with the truth and on SVHN's test photos, beside the report's methods and OpenCV
	$(DOORPLATE) bench removal --photos 120 --typefaces "$(TYPEFACES)" --data $(SVHN)/test --judge tensorflow --sheets target/removal-sheets

.PHONY: bench-walls
bench-walls: native typefaces ## Removal of numbers drawn on the photos of SCENES, which training should not have seen
	$(DOORPLATE) bench removal --measure truth --photos 60 --typefaces "$(TYPEFACES)" --scenes "$(SCENES)" --sheets target/wall-sheets

.PHONY: bench-reading
bench-reading: ## Times and memory of reading SVHN's files at full size, beside h5py and SciPy
	cargo bench --locked --no-default-features --features dataset --bench reading

.PHONY: bench-finding
bench-finding: native ## Finding numbers in SVHN's test photos and SCENES, which training should not have seen, beside RapidOCR
	$(PYTHON) benches/finding_peers.py $(DOORPLATE) $(SVHN)/test "$(SCENES)"

.PHONY: bench-scale
bench-scale: native ## Archives of photos through GNU parallel, Spark and Ray, beside one process, and with a worker killed
	$(PYTHON) benches/scale/bench.py $(DOORPLATE)

.PHONY: bench-browser
bench-browser: web ## Reading on the CPU in Chromium, beside onnxruntime-web with the same network
	pkg-config/setup.sh browser-tests
	pkg-config/setup.sh browser-bench
	CHROMIUM="$$(pkg-config/setup.sh browser | tail -n 1)" DOORPLATE="$(abspath $(DOORPLATE))" \
		node benches/browser/reading.mjs

.PHONY: bench-page
bench-page: web ## The page under load: first reading, dragging 50 boxes on 12 megapixels, 100 photos
	pkg-config/setup.sh browser-tests
	pkg-config/setup.sh browser-bench
	CHROMIUM="$$(pkg-config/setup.sh browser | tail -n 1)" DOORPLATE="$(abspath $(DOORPLATE))" \
		node benches/browser/page.mjs

.PHONY: sizes
sizes: web ## Brotli sizes of what the page fetches first, and of the engine behind it
	@echo "page:"; cd dist; wc -c index.html.br app-start.js.br app.js.br app-parts.js.br app_bg.wasm.br styles.css.br
	@echo "its parts, fetched when they are needed:"; cd dist; wc -c later.css.br parts/*/*.br
	@echo "engine:"; cd dist; wc -c engine-start.js.br engine.js.br engine_bg.wasm.br

.PHONY: samples
samples: native ## Draw the page's sample pictures again
	$(DOORPLATE) samples

.PHONY: typefaces
typefaces: ## Fetch the pinned typefaces of synthetic house numbers into TYPEFACES
	node pkg-config/typefaces.mjs "$(TYPEFACES)"

.PHONY: synth
synth: native typefaces ## Draw synthetic street numbers to train on, into target/synth
	$(DOORPLATE) data synth --photos 100000 --seed 3 --out target/synth --typefaces "$(TYPEFACES)"

# Each plan goes on where it was, so this can be stopped and started again. The digits that validate
# are held back from the first data.
TRAIN := $(DOORPLATE) train --out $(RUNS)
weights = $(RUNS)/$(1)-01/$(1)-01.safetensors
LABELLED = --data $(SVHN)/train@30 --data target/labelled@25 --data target/synth \
	--teacher $(call weights,convnet128)
.PHONY: train
train: synth sharp ## Train the published ConvNet128 and ConvNet48_Dropout3 again
	$(TRAIN) --plan assets/plans/convnet128.txt --data $(SVHN)/train@20 --data target/synth
	$(TRAIN) --plan assets/plans/convnet48-dropout3.txt --data $(SVHN)/train@20 \
		--data target/synth --teacher $(call weights,convnet128)
	test -d target/labelled || $(DOORPLATE) data label $(UNLABELLED) --out target/labelled \
		--weights $(call weights,convnet128) --least 0.88
	$(TRAIN) --plan assets/plans/convnet48-dropout3-again.txt $(LABELLED) \
		--start $(call weights,convnet48-dropout3)
	$(TRAIN) --plan assets/plans/convnet48-dropout3-last.txt $(LABELLED) \
		--start $(call weights,convnet48-dropout3-again)
	test -d target/synth-20000 || $(DOORPLATE) data synth --photos 20000 --seed 3 \
		--out target/synth-20000 --typefaces "$(TYPEFACES)"
	$(TRAIN) --plan assets/plans/convnet128-sharp.txt --data $(SVHN)/train@6 \
		--data target/sharp-train/train@12 --data target/synth-20000 --start $(call weights,convnet128)

.PHONY: sharp
sharp: native ## Split sharp digits: for measuring in target/sharp, for choosing and training in target/sharp-train
	test -d target/sharp || $(DOORPLATE) data split $(SHARP) --share 0.24 --seed 4 --out target/sharp
	test -d target/sharp-train || \
		$(DOORPLATE) data split target/sharp/train --share 0.15 --seed 3 --out target/sharp-train

.PHONY: train-synthetic
train-synthetic: synth ## Train the published networks that learn from synthetic photos only
	$(TRAIN) --plan assets/plans/synthetic-convnet128.txt --data target/synth
	$(TRAIN) --plan assets/plans/synthetic-convnet48-dropout3.txt \
		--data target/synth --teacher $(call weights,synthetic-convnet128)

# Each stage has walls and fronts of its own: their photos and seed.
WALLS = test -d target/walls-$(2) || $(DOORPLATE) data synth --photos $(1) --seed $(2) --clean \
	--out target/walls-$(2) --scenes "$(SCENES)" --typefaces "$(TYPEFACES)"
FRONTS = test -d target/fronts-$(2) || $(DOORPLATE) data synth --photos $(1) --seed $(2) --clean \
	--out target/fronts-$(2) --typefaces "$(TYPEFACES)"
.PHONY: train-strokes
train-strokes: native typefaces ## Train the published network that finds strokes, on numbers drawn on the photos of SCENES
	$(call WALLS,6000,11)
	$(call FRONTS,5000,5)
	$(TRAIN) --plan assets/plans/strokes.txt --data target/walls-11 --data target/fronts-5
	$(call WALLS,6000,21)
	$(call FRONTS,3000,25)
	$(TRAIN) --plan assets/plans/strokes-2.txt --data target/walls-21 --data target/fronts-25 \
		--start $(call weights,strokes)
	$(call WALLS,8000,31)
	$(call FRONTS,3000,35)
	$(TRAIN) --plan assets/plans/strokes-3.txt --data target/walls-31 --data target/fronts-35 \
		--start $(call weights,strokes-2)
	$(call WALLS,9000,41)
	$(call FRONTS,3000,45)
	$(TRAIN) --plan assets/plans/strokes-4.txt --data target/walls-41 --data target/fronts-45 \
		--start $(call weights,strokes-3)

# SVHN's photos, drawn numbers, street photos with boxes round whole numbers, and signs with a box round
# each character; how often each is shown.
FOUND = --data $(SVHN)/train@$(1) --data target/walls-$(2) --data target/fronts-$(3) \
	--data "$(SCENES)@$(4)" --data "$(SIGNS)@$(5)"
# The same, and photos without boxes, in which the stage before finds the digits.
TAUGHT = $(call FOUND,4,41,$(1),$(2),3) --data "$(UNLABELLED)" \
	--start $(call weights,$(3)) --teacher $(call weights,$(3))
# Photos of SCENES with a box round each digit, drawn or checked by hand, in place of one round each number.
DRAWN = --data $(SVHN)/train@4 --data target/walls-51 --data target/fronts-55 --data $(DIGITS)@20 \
	--start $(call weights,$(1)) --teacher $(call weights,$(1))
DIGITS = target/street-digits
$(DIGITS): assets/street-digits.txt
	rm -rf $@ $@.part
	mkdir -p $@.part
	grep -v '^#' $< | while read -r photo boxes; do \
		cp "$(SCENES)/$$photo.jpg" $@.part/ && printf %s "$$boxes" | xargs -r -n 4 echo 0 > $@.part/$$photo.txt || exit 1; \
	done
	mv $@.part $@
.PHONY: train-finder
train-finder: native typefaces ## Train the published network that finds digits, on SVHN, drawn numbers, SCENES and SIGNS
	$(call WALLS,6000,21)
	$(call FRONTS,3000,45)
	$(TRAIN) --plan assets/plans/finder.txt $(call FOUND,4,21,45,3,2)
	$(call WALLS,9000,41)
	$(call FRONTS,3000,35)
	$(TRAIN) --plan assets/plans/finder-2.txt $(call FOUND,6,41,35,3,2) --start $(call weights,finder)
	$(TRAIN) --plan assets/plans/finder-3.txt $(call TAUGHT,35,6,finder-2)
	$(TRAIN) --plan assets/plans/finder-4.txt $(call TAUGHT,45,10,finder-3)
	$(MAKE) $(DIGITS)
	$(call WALLS,5000,51)
	$(call FRONTS,2500,55)
	$(TRAIN) --plan assets/plans/finder-5.txt $(call DRAWN,finder-4)
	$(TRAIN) --plan assets/plans/finder-6.txt $(call DRAWN,finder-5)

# The published ConvNet128 and FinderNet label photos without labels, and FinderNet shows what it takes
# for digits by mistake.
PUBLISHED = $(firstword $(wildcard models/$(1)-*.safetensors))
.PHONY: train-reader
train-reader: native typefaces sharp ## Train the published ReaderNet, which reads digits in colour with their surroundings
	test -d target/synth-40000 || $(DOORPLATE) data synth --photos 40000 --seed 3 \
		--out target/synth-40000 --typefaces "$(TYPEFACES)"
	test -d target/found || $(DOORPLATE) data label $(UNLABELLED) --out target/found --least 0.9 \
		--weights $(call PUBLISHED,convnet128) --finder $(call PUBLISHED,finder)
	$(TRAIN) --plan assets/plans/reader.txt --data $(SVHN)/train@12 --data target/found@4 \
		--data target/synth-40000 --data target/sharp-train/train@10 \
		--no-digits $(SVHN)/train@3 --no-digits "$(SCENES)@25" --finder $(call PUBLISHED,finder)

.PHONY: bench-training
bench-training: ## Training speed, and the ratios to Burn's autodiff and PyTorch
	cargo bench --locked --bench training

.PHONY: evaluate
evaluate: native ## Measure the published classifier on SVHN's test photos
	$(DOORPLATE) evaluate --data $(SVHN)/test

.PHONY: evaluate-sharp
evaluate-sharp: sharp ## Measure the published classifiers on the sharp digits that were held back
	$(DOORPLATE) evaluate --data target/sharp/test --all

.PHONY: sheets
sheets: native ## Before and after sheets of the report's example photos
	$(DOORPLATE) sheet --data $(SVHN)/test --photos 13.png,30.png,401.png --output target/sheet.png

.PHONY: clean
clean: ## Remove what was built
	cargo clean
	rm -rf dist tests/browser/node_modules
